{{ config(materialized='table') }}
{%- set way_sums = ['delivered', 'total_s', 'handed', 'handling_s'] -%}
{#- Of few deliveries the average of the marketplace counts as much: of so many of a lane, of so many of a seller. -#}
{%- set lane_weight = 10 -%}
{%- set seller_weight = 5 -%}
{#- What a delivery and a handling take while nothing is known yet, in seconds. -#}
{%- set usual_total = 1080000 -%}
{%- set usual_handling = 259200 -%}
{#- The largest error that is told apart, in hundredths of what was expected. -#}
{%- set largest = 500 -%}

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
        orders.order_delivered_customer_date as arrived,
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

-- On the carrier's truck what the seller took is known, and the way is what is left.
ways as (
    select
        *,
        case
            when stage != 'purchase' and handed_over <= scored_at then {{ seconds_taken('bought', 'handed_over') }}
        end as handled_s,
        case when arrived >= bought then {{ seconds_taken('bought', 'arrived') }} end as taken_s,
        case when promise_passed < bought then 0 else {{ seconds_taken('bought', 'promise_passed') }} end as promised_s,
        {{ seconds_taken('bought', 'scored_at') }} as elapsed_s
    from known
),

-- The time from purchase to customer, and on the truck the time from there.
left_to_go as (
    select
        *,
        case when handled_s is null then lane_s when lane_s > lane_handling_s then lane_s - lane_handling_s else 0 end
            as lane_left_s,
        case
            when handled_s is null then market_s
            when market_s > market_handling_s then market_s - market_handling_s
            else 0
        end as market_left_s
    from ways
),

-- What each adds to the average of all time: the lane, the market of the last 30 days, the seller.
effects as (
    select
        *,
        lane_left_s - market_left_s as lane_effect_s,
        {{ mean_of('lane_left_s * level_s', 'market_s') }} - lane_left_s as market_effect_s,
        coalesce(handled_s, seller_handling_s) - market_handling_s as seller_effect_s,
        market_s - promised_s as promise_effect_s
    from left_to_go
),

expected as (
    select
        *,
        case
            when handled_s is null then greatest(86400, market_s + lane_effect_s + market_effect_s + seller_effect_s)
            else handled_s + greatest(43200, lane_left_s + market_effect_s)
        end as formula_s
    from effects
),

final as (
    select
        expected.order_id,
        expected.stage,
        -- Today is judged like the last stage that the order has reached.
        case when expected.handled_s is null then 'purchase' else 'handover' end as errors_stage,
        expected.scored_at,
        {{ period_start('month', 'expected.day') }} as scored_month,
        {{ period_start('month', 'expected.arrived') }} as arrived_month,
        expected.seller_id,
        expected.lane,
        expected.promised_s,
        expected.elapsed_s,
        expected.taken_s,
        expected.lane_effect_s,
        expected.market_effect_s,
        expected.seller_effect_s,
        expected.promise_effect_s,
        expected.formula_s,
        -- Databases differ in what the least of a number and null is.
        case
            when expected.taken_s is not null
                then least({{ largest }}, {{ mean_of('100 * expected.taken_s', 'expected.formula_s') }})
        end as taken_pct,
        case
            when expected.promised_s is not null
                then least(
                    {{ largest }},
                    {{ mean_of('100 * expected.promised_s + expected.formula_s - 1', 'expected.formula_s') }}
                )
        end as promised_pct,
        case
            when expected.stage = 'today'
                then least({{ largest }}, {{ mean_of('100 * expected.elapsed_s', 'expected.formula_s') }})
        end as elapsed_pct,
        expected.stage = 'today' and coalesce(cast(expected.promise_passed as date) <= today.last_day, false)
            as is_overdue,
        -- As the histories count it: known when it has come, or on the day after the promised one.
        case
            when expected.arrived is not null then expected.arrived >= expected.promise_passed
            when cast(expected.promise_passed as date) <= today.last_day then true
        end as was_late
    from expected
    cross join today
)

select * from final
