with sales as (
    select
        customer_unique_id,
        revenue,
        {{ period_start('month', 'order_purchase_timestamp') }} as month
    from {{ ref('fact_orders') }}
    where is_valid_sale
),

months as (
    select distinct month_start as month
    from {{ ref('dim_dates') }}
    where
        month_start >= (select min(month) from sales)
        and month_start <= (select max(month) from sales)
),

activity as (
    select
        month,
        count(*) as orders,
        count(distinct customer_unique_id) as active_customers,
        sum(revenue) as revenue
    from sales
    group by month
),

first_months as (
    select
        customer_unique_id,
        min(month) as month
    from sales
    group by customer_unique_id
),

arrivals as (
    select
        month,
        count(*) as new_customers
    from first_months
    group by month
),

per_month as (
    select
        months.month,
        coalesce(activity.orders, 0) as orders,
        coalesce(activity.active_customers, 0) as active_customers,
        coalesce(arrivals.new_customers, 0) as new_customers,
        {{ decimal('coalesce(activity.revenue, 0)') }} as revenue
    from months
    left join activity on months.month = activity.month
    left join arrivals on months.month = arrivals.month
),

cumulated as (
    select
        *,
        sum(new_customers) over (order by month rows unbounded preceding) as cumulative_customers
    from per_month
),

with_previous as (
    select
        *,
        lag(new_customers) over (order by month) as previous_new_customers,
        lag(cumulative_customers) over (order by month) as previous_cumulative_customers,
        lag(revenue) over (order by month) as previous_revenue
    from cumulated
),

final as (
    select
        month,
        orders,
        active_customers,
        new_customers,
        active_customers - new_customers as returning_customers,
        cast(cumulative_customers as {{ dbt.type_bigint() }}) as cumulative_customers,
        {{ growth('new_customers', 'previous_new_customers') }} as new_customer_growth_pct,
        {{ percentage('new_customers', 'previous_cumulative_customers') }} as customer_growth_pct,
        revenue,
        {{ growth_of_money('revenue', 'previous_revenue') }} as revenue_growth_pct
    from with_previous
)

select * from final
