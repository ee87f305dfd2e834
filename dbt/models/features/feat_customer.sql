{{ config(cluster_by='entity_id') }}

with orders as (
    select * from {{ ref('fact_orders') }}
),

today as (
    select max(cast(order_purchase_timestamp as date)) as last_day from orders
),

-- Orders placed, whatever became of them: what is known at the purchase.
per_customer as (
    select
        customer_unique_id as entity_id,
        count(*) as frequency,
        sum({{ cents('gmv') }}) as monetary_cents,
        max(cast(order_purchase_timestamp as date)) as last_order_date
    from orders
    group by customer_unique_id
),

final as (
    select
        per_customer.entity_id,
        {{ midnight_after('today.last_day') }} as feature_timestamp,
        {{ days_between('per_customer.last_order_date', 'today.last_day') }} as recency_days,
        cast(per_customer.frequency as {{ dbt.type_bigint() }}) as frequency,
        cast(per_customer.monetary_cents as {{ dbt.type_bigint() }}) as monetary_cents,
        -- Fifths of the customers, 5 the best; who is like another is told apart by the id, so that fifths are equal.
        ntile(5) over (order by per_customer.last_order_date asc, per_customer.entity_id asc) as recency_score,
        ntile(5) over (order by per_customer.frequency asc, per_customer.entity_id asc) as frequency_score,
        ntile(5) over (order by per_customer.monetary_cents asc, per_customer.entity_id asc) as monetary_score
    from per_customer
    cross join today
)

select * from final
