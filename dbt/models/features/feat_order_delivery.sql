{{ config(cluster_by='order_id') }}
{%- set way_sums = ['delivered', 'total_s', 'handed', 'handling_s'] -%}
{#- Of few deliveries the average of the marketplace counts as much: of so many of a lane, of so many of a seller. -#}
{%- set lane_weight = 10 -%}
{%- set seller_weight = 5 -%}
{#- What a delivery and a handling take while nothing is known yet, in seconds. -#}
{%- set usual_total = 1080000 -%}
{%- set usual_handling = 259200 -%}
{#- The largest error that is told apart, in hundredths of what was expected. -#}
{%- set largest = 500 -%}
{#- Months whose deliveries say how wrong the formula is, and late orders that weigh against them, in thousandths. -#}
{%- set months_back = 4 -%}
{%- set prior = 10000 -%}

with main_sellers as (
    select
        order_id,
        seller_id,
        seller_state
    from {{ ref('fact_sales') }}
    qualify row_number() over (partition by order_id order by price desc, order_item_id asc) = 1
),

today as (
    select max(cast(order_purchase_timestamp as date)) as last_day from {{ ref('fact_orders') }}
),

orders as (
    select
        orders.order_id,
        main_sellers.seller_id,
        main_sellers.seller_state || '-' || orders.customer_state as lane,
        orders.order_status,
        orders.order_purchase_timestamp as bought,
        case
            when orders.order_delivered_carrier_date >= orders.order_purchase_timestamp
                then orders.order_delivered_carrier_date
        end as handed_over,
        case
            when orders.order_delivered_customer_date >= orders.order_purchase_timestamp
                then orders.order_delivered_customer_date
        end as arrived,
        {{ midnight_after('orders.order_estimated_delivery_date') }} as promise_passed
    from {{ ref('fact_orders') }} as orders
    left join main_sellers on orders.order_id = main_sellers.order_id
),

-- An order is scored when it is bought, when the carrier has it, and, while it is on its way, today.
moments as (
    select
        *,
        'purchase' as stage,
        bought as scored_at
    from orders
    union all
    select
        *,
        'handover' as stage,
        handed_over as scored_at
    from orders
    where handed_over is not null
    union all
    select
        orders.*,
        'today' as stage,
        {{ midnight_after('today.last_day') }} as scored_at
    from orders
    cross join today
    where
        orders.order_status not in ('delivered', 'canceled', 'unavailable')
        and orders.arrived is null
),

scored as (
    select
        *,
        cast(scored_at as date) as day
    from moments
),

days as (
    select distinct
        'all' as entity_id,
        day
    from scored
),

months_before as (
    select
        'all' as entity_id,
        {{ days_before('day', 30) }} as day,
        day as scored_day
    from days
),

marketplace as (
    {{ as_of('days', ['entity_id', 'day'], ref('feat_marketplace_daily'), way_sums) }}
),

marketplace_before as (
    {{ as_of(
        'months_before', ['entity_id', 'day', 'scored_day'], ref('feat_marketplace_daily'), ['delivered', 'total_s']
    ) }}
),

lane_days as (
    select distinct
        lane as entity_id,
        day
    from scored
    where lane is not null
),

lanes as (
    {{ as_of('lane_days', ['entity_id', 'day'], ref('feat_lane_daily'), way_sums) }}
),

seller_days as (
    select distinct
        seller_id as entity_id,
        day
    from scored
    where seller_id is not null
),

sellers as (
    {{ as_of('seller_days', ['entity_id', 'day'], ref('feat_seller_daily'), ['handed', 'handling_s']) }}
),

-- Means in seconds, as known at the midnight before.
levels as (
    select
        marketplace.day,
        greatest(1, coalesce({{ mean_of('marketplace.total_s', 'marketplace.delivered') }}, {{ usual_total }}))
            as market_s,
        coalesce({{ mean_of('marketplace.handling_s', 'marketplace.handed') }}, {{ usual_handling }})
            as market_handling_s,
        coalesce(
            {{ mean_of(
                'marketplace.total_s - marketplace_before.total_s', 'marketplace.delivered - marketplace_before.delivered'
            ) }},
            {{ mean_of('marketplace.total_s', 'marketplace.delivered') }},
            {{ usual_total }}
        ) as level_s
    from marketplace
    inner join marketplace_before on marketplace.day = marketplace_before.scored_day
),

known as (
    select
        scored.*,
        levels.market_s,
        levels.market_handling_s,
        levels.level_s,
        {{ mean_of(
            'coalesce(lanes.total_s, 0) + ' ~ lane_weight ~ ' * levels.market_s',
            'coalesce(lanes.delivered, 0) + ' ~ lane_weight
        ) }} as lane_s,
        {{ mean_of(
            'coalesce(lanes.handling_s, 0) + ' ~ lane_weight ~ ' * levels.market_handling_s',
            'coalesce(lanes.handed, 0) + ' ~ lane_weight
        ) }} as lane_handling_s,
        {{ mean_of(
            'coalesce(sellers.handling_s, 0) + ' ~ seller_weight ~ ' * levels.market_handling_s',
            'coalesce(sellers.handed, 0) + ' ~ seller_weight
        ) }} as seller_handling_s
    from scored
    inner join levels on scored.day = levels.day
    left join lanes on scored.lane = lanes.entity_id and scored.day = lanes.day
    left join sellers on scored.seller_id = sellers.entity_id and scored.day = sellers.day
),

-- What each adds to the average of all time: the lane, the market of the last 30 days, the seller.
effects as (
    select
        *,
        lane_s - market_s as lane_effect_s,
        {{ mean_of('lane_s * level_s', 'market_s') }} - lane_s as market_effect_s,
        case when stage != 'purchase' then {{ seconds_taken('bought', 'handed_over') }} end as handled_s,
        {{ seconds_taken('bought', 'arrived') }} as taken_s,
        {{ seconds_taken('bought', 'promise_passed') }} as promised_s,
        {{ seconds_taken('bought', 'scored_at') }} as elapsed_s
    from known
),

-- On the carrier's truck what the seller took is known, and the way is what is left.
expected as (
    select
        order_id,
        stage,
        -- Today is judged like the last stage that the order has reached.
        case when handled_s is null then 'purchase' else 'handover' end as errors_stage,
        scored_at,
        {{ period_start('month', 'day') }} as scored_month,
        seller_id,
        lane,
        arrived,
        promise_passed,
        case when promised_s < 0 then 0 else promised_s end as promised_s,
        elapsed_s,
        taken_s,
        lane_effect_s,
        market_effect_s,
        coalesce(handled_s - market_handling_s, seller_handling_s - market_handling_s) as seller_effect_s,
        market_s - promised_s as promise_effect_s,
        coalesce(market_s - promised_s, 0) as shorter_promise_s,
        case
            when handled_s is null
                then greatest(86400, market_s + lane_effect_s + market_effect_s + seller_handling_s - market_handling_s)
            else
                handled_s
                + greatest(43200, {{ mean_of('greatest(lane_s - lane_handling_s, 0) * level_s', 'market_s') }})
        end as formula_s
    from effects
),

in_pct as (
    select
        *,
        -- Databases differ in what the least of a number and null is.
        case when taken_s is not null then least({{ largest }}, {{ mean_of('100 * taken_s', 'formula_s') }}) end
            as taken_pct,
        case
            when promised_s is not null
                then least({{ largest }}, {{ mean_of('100 * promised_s + formula_s - 1', 'formula_s') }})
        end as promised_pct,
        case when stage = 'today' then least({{ largest }}, {{ mean_of('100 * elapsed_s', 'formula_s') }}) end
            as elapsed_pct
    from expected
),

-- How long deliveries took, in hundredths of what the formula said, by the month in which they arrived.
errors as (
    select
        stage,
        {{ period_start('month', 'arrived') }} as arrived_month,
        taken_pct,
        count(*) as orders
    from in_pct
    where taken_s is not null and stage != 'today'
    group by 1, 2, 3
),

months as (
    select distinct scored_month from in_pct
),

-- A month is judged by the four before it: what arrived in them was known when it began.
judged as (
    select
        months.scored_month,
        errors.stage,
        errors.taken_pct as pct,
        errors.orders
    from months
    inner join errors
        on {{ months_between('errors.arrived_month', 'months.scored_month') }} between 1 and {{ months_back }}
),

steps as (
    select
        scored_month,
        stage,
        pct,
        sum(orders) as orders
    from (
        select * from judged
        union all
        select distinct
            scored_month,
            errors_stage as stage,
            promised_pct as pct,
            0 as orders
        from in_pct
        where promised_pct is not null
        union all
        select distinct
            scored_month,
            errors_stage as stage,
            elapsed_pct as pct,
            0 as orders
        from in_pct
        where elapsed_pct is not null
    ) as both_kinds
    group by 1, 2, 3
),

counted as (
    select
        scored_month,
        stage,
        pct,
        sum(orders) over (partition by scored_month, stage order by pct asc rows unbounded preceding) as up_to,
        sum(orders) over (partition by scored_month, stage order by pct desc rows unbounded preceding) as from_here,
        sum(orders) over (partition by scored_month, stage) as total
    from steps
),

bands as (
    select
        scored_month,
        stage,
        min(case when 10 * up_to >= total then pct end) as lower_pct,
        min(case when 2 * up_to >= total then pct end) as middle_pct,
        min(case when 10 * up_to >= 9 * total then pct end) as upper_pct
    from counted
    where total > 0
    group by scored_month, stage
),

ranked as (
    select
        in_pct.*,
        bands.lower_pct,
        bands.middle_pct,
        bands.upper_pct,
        case
            when in_pct.stage = 'today' and in_pct.scored_at >= in_pct.promise_passed then 1000
            when in_pct.stage = 'today' and promise.from_here is not null
                then coalesce({{ mean_of('1000 * promise.from_here', 'elapsed.from_here') }}, 1000)
            else {{ mean_of('1000 * promise.from_here', 'promise.total') }}
        end as risk_permille
    from in_pct
    left join bands on in_pct.scored_month = bands.scored_month and in_pct.errors_stage = bands.stage
    left join counted as promise
        on
            in_pct.scored_month = promise.scored_month
            and in_pct.errors_stage = promise.stage
            and in_pct.promised_pct = promise.pct
            and promise.total > 0
    left join counted as elapsed
        on
            in_pct.scored_month = elapsed.scored_month
            and in_pct.errors_stage = elapsed.stage
            and in_pct.elapsed_pct = elapsed.pct
),

-- What was said of deliveries, and what came of them, by the month in which they arrived.
outcomes as (
    select
        stage,
        {{ period_start('month', 'arrived') }} as arrived_month,
        sum(risk_permille) as said_permille,
        sum(case when taken_s >= promised_s then 1000 else 0 end) as late_permille
    from ranked
    where taken_s is not null and risk_permille is not null and stage != 'today'
    group by 1, 2
),

calibrations as (
    select
        months.scored_month,
        outcomes.stage,
        sum(outcomes.said_permille) + {{ prior }} as said_permille,
        sum(outcomes.late_permille) + {{ prior }} as late_permille
    from months
    inner join outcomes
        on {{ months_between('outcomes.arrived_month', 'months.scored_month') }} between 1 and {{ months_back }}
    group by 1, 2
),

final as (
    select
        ranked.order_id,
        ranked.stage,
        ranked.scored_at,
        ranked.seller_id,
        ranked.lane,
        {{ whole(mean_of('ranked.formula_s * coalesce(ranked.middle_pct, 100)', '100')) }} as expected_s,
        {{ whole(mean_of('ranked.formula_s * ranked.lower_pct', '100')) }} as lower_s,
        {{ whole(mean_of('ranked.formula_s * (ranked.upper_pct + 1)', '100')) }} as upper_s,
        {{ whole('ranked.promised_s') }} as promised_s,
        {{ whole('ranked.elapsed_s') }} as elapsed_s,
        {{ whole('ranked.risk_permille') }} as risk_permille,
        case
            when ranked.risk_permille = 1000 then 1000
            when ranked.risk_permille is not null
                then least(1000, {{ whole(mean_of(
                    'ranked.risk_permille * coalesce(calibrations.late_permille, 1)',
                    'coalesce(calibrations.said_permille, 1)'
                )) }})
        end as late_permille,
        {{ whole('ranked.lane_effect_s') }} as lane_effect_s,
        {{ whole('ranked.market_effect_s') }} as market_effect_s,
        {{ whole('ranked.seller_effect_s') }} as seller_effect_s,
        {{ whole('ranked.promise_effect_s') }} as promise_effect_s,
        case
            when ranked.stage = 'today' and ranked.scored_at >= ranked.promise_passed then 'overdue'
            when greatest(lane_effect_s, market_effect_s, seller_effect_s, shorter_promise_s) <= 0 then 'none'
            when seller_effect_s >= greatest(lane_effect_s, market_effect_s, shorter_promise_s) then 'seller'
            when lane_effect_s >= greatest(market_effect_s, shorter_promise_s) then 'lane'
            when market_effect_s >= shorter_promise_s then 'market'
            else 'promise'
        end as main_reason,
        case
            when ranked.arrived is not null then ranked.arrived >= ranked.promise_passed
            when {{ midnight_after('today.last_day') }} >= ranked.promise_passed then true
        end as was_late
    from ranked
    cross join today
    left join calibrations
        on ranked.scored_month = calibrations.scored_month and ranked.errors_stage = calibrations.stage
)

select * from final
