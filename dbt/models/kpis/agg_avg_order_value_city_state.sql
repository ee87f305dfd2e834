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
        revenue
    from sales
    union all
    select
        'state' as level,
        customer_state,
        cast(null as {{ dbt.type_string() }}) as customer_city,
        customer_unique_id,
        revenue
    from sales
),

final as (
    select
        level,
        customer_state,
        customer_city,
        count(distinct customer_unique_id) as customers,
        count(*) as orders,
        {{ decimal('sum(revenue)') }} as revenue,
        {{ money_per('sum(revenue)', 'count(*)') }} as avg_order_value
    from levels
    group by level, customer_state, customer_city
)

select * from final
