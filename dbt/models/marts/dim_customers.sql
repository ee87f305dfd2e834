{{ config(cluster_by='customer_id') }}

with customers as (
    select * from {{ ref('stg_customers') }}
),

orders as (
    select * from {{ ref('fact_orders') }}
),

locations as (
    select * from {{ ref('dim_locations') }}
),

first_orders as (
    select
        customer_unique_id,
        min(order_purchase_timestamp) as first_order_timestamp
    from orders
    group by customer_unique_id
),

final as (
    select
        customers.customer_id,
        customers.customer_unique_id,
        customers.customer_zip_code_prefix,
        customers.customer_city,
        customers.customer_state,
        locations.latitude,
        locations.longitude,
        first_orders.first_order_timestamp
    from customers
    left join locations on customers.customer_zip_code_prefix = locations.zip_code_prefix
    left join first_orders on customers.customer_unique_id = first_orders.customer_unique_id
)

select * from final
