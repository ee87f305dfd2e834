with sales as (
    select * from {{ ref('fact_orders') }}
    where is_valid_sale
),

levels as (
    select
        'city' as level,
        customer_state,
        customer_city,
        customer_unique_id,
        order_purchase_timestamp
    from sales
    union all
    select
        'state' as level,
        customer_state,
        cast(null as {{ dbt.type_string() }}) as customer_city,
        customer_unique_id,
        order_purchase_timestamp
    from sales
),

-- The days between consecutive orders of a person add up to those between the first and the last.
per_customer as (
    select
        level,
        customer_state,
        customer_city,
        customer_unique_id,
        count(*) as orders,
        {{ microseconds_between('min(order_purchase_timestamp)', 'max(order_purchase_timestamp)') }}
            as time_between_orders
    from levels
    group by level, customer_state, customer_city, customer_unique_id
),

per_place as (
    select
        level,
        customer_state,
        customer_city,
        count(*) as customers,
        sum(orders) as orders,
        sum(case when orders >= 2 then 1 else 0 end) as repeat_customers,
        {{ exact_sum('time_between_orders') }} as time_between_orders
    from per_customer
    group by level, customer_state, customer_city
),

final as (
    select
        level,
        customer_state,
        customer_city,
        customers,
        cast(orders as {{ dbt.type_bigint() }}) as orders,
        {{ ratio('orders', 'customers', 4) }} as purchase_frequency,
        cast(repeat_customers as {{ dbt.type_bigint() }}) as repeat_customers,
        {{ percentage('repeat_customers', 'customers') }} as repeat_rate_pct,
        {{ days('time_between_orders', '(orders - customers)') }} as avg_days_between_orders
    from per_place
)

select * from final
