{{ config(cluster_by='order_id') }}
{#- Months whose deliveries say how wrong the formula is, and late orders that weigh against them, in thousandths. -#}
{%- set months_back = 4 -%}
{%- set prior = 10000 -%}

with scores as (
    select * from {{ ref('int_delivery_scores') }}
),

-- How long deliveries took, in hundredths of what the formula said, by the month in which they arrived.
errors as (
    select
        stage,
        arrived_month,
        taken_pct,
        count(*) as orders
    from scores
    where taken_s is not null and stage != 'today'
    group by stage, arrived_month, taken_pct
),

months as (
    select distinct scored_month from scores
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

-- With those that are asked about.
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
        from scores
        where promised_pct is not null
        union all
        select distinct
            scored_month,
            errors_stage as stage,
            elapsed_pct as pct,
            0 as orders
        from scores
        where elapsed_pct is not null
    ) as all_kinds
    group by scored_month, stage, pct
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

-- From which step on the band is asked for: of those that took at least as long as an order on its way has by now.
starts as (
    select distinct
        scored_month,
        errors_stage as stage,
        coalesce(elapsed_pct, 0) as pct
    from scores
),

from_starts as (
    select
        starts.scored_month,
        starts.stage,
        starts.pct as start_pct,
        counted.pct,
        counted.from_here,
        max(counted.from_here) over (partition by starts.scored_month, starts.stage, starts.pct) as total
    from starts
    inner join counted
        on
            starts.scored_month = counted.scored_month
            and starts.stage = counted.stage
            and starts.pct <= counted.pct
),

-- Of n errors the first that has a tenth, a half, nine tenths of them up to it: those above it are the others.
bands as (
    select
        scored_month,
        stage,
        start_pct,
        max(case when 10 * from_here > 9 * total then pct end) as lower_pct,
        max(case when 2 * from_here > total then pct end) as middle_pct,
        max(case when 10 * from_here > total then pct end) as upper_pct
    from from_starts
    where total > 0
    group by scored_month, stage, start_pct
),

ranked as (
    select
        scores.*,
        bands.lower_pct,
        bands.middle_pct,
        bands.upper_pct,
        case
            when scores.is_overdue then 1000
            when scores.elapsed_pct is not null and promise.from_here is not null
                then coalesce({{ mean_of('1000 * promise.from_here', 'elapsed.from_here') }}, 1000)
            else {{ mean_of('1000 * promise.from_here', 'promise.total') }}
        end as risk_permille
    from scores
    left join bands
        on
            scores.scored_month = bands.scored_month
            and scores.errors_stage = bands.stage
            and coalesce(scores.elapsed_pct, 0) = bands.start_pct
    left join counted as promise
        on
            scores.scored_month = promise.scored_month
            and scores.errors_stage = promise.stage
            and scores.promised_pct = promise.pct
            and promise.total > 0
    left join counted as elapsed
        on
            scores.scored_month = elapsed.scored_month
            and scores.errors_stage = elapsed.stage
            and scores.elapsed_pct = elapsed.pct
),

-- What was said of deliveries, and what came of them, by the month in which they arrived.
outcomes as (
    select
        stage,
        arrived_month,
        sum(risk_permille) as said_permille,
        sum(case when was_late then 1000 else 0 end) as late_permille
    from ranked
    where taken_s is not null and risk_permille is not null and stage != 'today'
    group by stage, arrived_month
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
    group by months.scored_month, outcomes.stage
),

predicted as (
    select
        ranked.*,
        {{ mean_of('ranked.formula_s * coalesce(ranked.middle_pct, 100)', '100') }} as middle_s,
        {{ mean_of('ranked.formula_s * ranked.lower_pct', '100') }} as least_s,
        {{ mean_of('ranked.formula_s * (ranked.upper_pct + 1)', '100') }} as most_s,
        case
            when ranked.is_overdue then 1000
            else {{ mean_of(
                'ranked.risk_permille * coalesce(calibrations.late_permille, 1)',
                'coalesce(calibrations.said_permille, 1)'
            ) }}
        end as scaled_permille,
        coalesce(ranked.promise_effect_s, 0) as shorter_promise_s
    from ranked
    left join calibrations
        on ranked.scored_month = calibrations.scored_month and ranked.errors_stage = calibrations.stage
),

-- Steps are whole hundredths: within the first one an order on its way may be further than its beginning.
final as (
    select
        order_id,
        stage,
        scored_at,
        seller_id,
        lane,
        {{ whole('case when middle_s < elapsed_s then elapsed_s else middle_s end') }} as expected_s,
        {{ whole('case when least_s < elapsed_s then elapsed_s else least_s end') }} as lower_s,
        {{ whole('case when most_s < elapsed_s then elapsed_s else most_s end') }} as upper_s,
        {{ whole('promised_s') }} as promised_s,
        {{ whole('elapsed_s') }} as elapsed_s,
        {{ whole('risk_permille') }} as risk_permille,
        {{ whole('case when scaled_permille > 1000 then 1000 else scaled_permille end') }} as late_permille,
        {{ whole('lane_effect_s') }} as lane_effect_s,
        {{ whole('market_effect_s') }} as market_effect_s,
        {{ whole('seller_effect_s') }} as seller_effect_s,
        {{ whole('promise_effect_s') }} as promise_effect_s,
        case
            when is_overdue then 'overdue'
            when greatest(lane_effect_s, market_effect_s, seller_effect_s, shorter_promise_s) <= 0 then 'none'
            when seller_effect_s >= greatest(lane_effect_s, market_effect_s, shorter_promise_s) then 'seller'
            when lane_effect_s >= greatest(market_effect_s, shorter_promise_s) then 'lane'
            when market_effect_s >= shorter_promise_s then 'market'
            else 'promise'
        end as main_reason,
        was_late
    from predicted
)

select * from final
