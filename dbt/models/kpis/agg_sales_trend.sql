{#- How many periods before it the moving average of a period takes in. -#}
{%- set grains = {'day': 6, 'week': 3, 'month': 2} -%}

with sales as (
    select
        items,
        gmv,
        freight,
        revenue,
        cast(order_purchase_timestamp as date) as date_day
    from {{ ref('fact_orders') }}
    where is_valid_sale
),

per_day as (
    select
        date_day,
        count(*) as orders,
        sum(items) as units,
        sum(gmv) as gmv,
        sum(freight) as freight,
        sum(revenue) as revenue
    from sales
    group by date_day
),

calendar as (
    select * from {{ ref('dim_dates') }}
    where
        date_day >= (select min(date_day) from sales)
        and date_day <= (select max(date_day) from sales)
),

days as (
    select
        calendar.date_day,
        coalesce(per_day.orders, 0) as orders,
        coalesce(per_day.units, 0) as units,
        coalesce(per_day.gmv, 0) as gmv,
        coalesce(per_day.freight, 0) as freight,
        coalesce(per_day.revenue, 0) as revenue
    from calendar
    left join per_day on calendar.date_day = per_day.date_day
),

per_period as (
    {%- for grain in grains %}
    select
        '{{ grain }}' as grain,
        {{ period_start(grain, 'date_day') }} as period_start,
        sum(orders) as orders,
        sum(units) as units,
        sum(gmv) as gmv,
        sum(freight) as freight,
        sum(revenue) as revenue
    from days
    group by 1, 2
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

with_neighbours as (
    select
        *,
        lag(revenue) over (partition by grain order by period_start) as previous_revenue,
        row_number() over (partition by grain order by period_start) as period_number,
        sum(revenue) over (partition by grain order by period_start rows unbounded preceding) as revenue_so_far
    from per_period
),

-- A window of rows is the difference of two running sums: this one, and the one where the window starts.
windows as (
    select
        *,
        case grain
            {%- for grain, before in grains.items() %}
            when '{{ grain }}' then {{ before }}
            {%- endfor %}
        end as periods_before
    from with_neighbours
),

averaged as (
    select
        windows.*,
        windows.revenue_so_far - coalesce(earlier.revenue_so_far, 0) as window_revenue,
        least(windows.period_number, windows.periods_before + 1) as window_periods
    from windows
    left join windows as earlier
        on
            windows.grain = earlier.grain
            and windows.period_number - windows.periods_before - 1 = earlier.period_number
),

final as (
    select
        grain,
        period_start,
        cast(orders as {{ dbt.type_bigint() }}) as orders,
        cast(units as {{ dbt.type_bigint() }}) as units,
        {{ decimal('gmv') }} as gmv,
        {{ decimal('freight') }} as freight,
        {{ decimal('revenue') }} as revenue,
        {{ money_per('revenue', 'orders') }} as avg_order_value,
        {{ growth_of_money('revenue', 'previous_revenue') }} as revenue_growth_pct,
        {{ money_per('window_revenue', 'window_periods') }} as revenue_moving_avg
    from averaged
)

select * from final
