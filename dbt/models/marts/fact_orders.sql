{{ config(
    materialized='incremental',
    unique_key='order_id',
    partition_by={'field': 'order_purchase_timestamp', 'data_type': 'datetime', 'granularity': 'month'},
    cluster_by='order_id'
) }}

with orders as (
    select * from {{ ref('stg_orders') }}
    where order_id in (select order_id from {{ ref('int_changed_orders') }})
),

items as (
    select
        order_id,
        count(*) as items,
        sum(price) as gmv,
        sum(freight_value) as freight
    from {{ ref('stg_order_items') }}
    where order_id in (select order_id from {{ ref('int_changed_orders') }})
    group by order_id
),

payments as (
    select * from {{ ref('int_order_payments') }}
),

reviews as (
    select * from {{ ref('int_order_review_scores') }}
),

customers as (
    select * from {{ ref('stg_customers') }}
),

final as (
    select
        orders.order_id,
        orders.customer_id,
        -- A customer that is not known yet is a person of its own, until its row comes.
        coalesce(customers.customer_unique_id, orders.customer_id) as customer_unique_id,
        customers.customer_city,
        customers.customer_state,
        orders.order_status,
        orders.order_purchase_timestamp,
        orders.order_approved_at,
        orders.order_delivered_carrier_date,
        orders.order_delivered_customer_date,
        orders.order_estimated_delivery_date,
        {{ valid_sale('orders.order_status') }} as is_valid_sale,
        coalesce(items.items, 0) as items,
        {{ decimal('coalesce(items.gmv, 0)') }} as gmv,
        {{ decimal('coalesce(items.freight, 0)') }} as freight,
        {{ decimal('coalesce(payments.revenue, 0)') }} as revenue,
        {{ decimal('coalesce(payments.refunded, 0)') }} as refunded,
        {{ days(microseconds_between('orders.order_purchase_timestamp', 'orders.order_delivered_customer_date')) }}
            as days_to_deliver,
        {{ days(microseconds_between('orders.order_approved_at', 'orders.order_delivered_carrier_date')) }}
            as handling_days,
        {{ days(microseconds_between('orders.order_delivered_carrier_date', 'orders.order_delivered_customer_date')) }}
            as transit_days,
        cast(orders.order_delivered_customer_date as date)
        > cast(orders.order_estimated_delivery_date as date) as is_late,
        payments.main_payment_type,
        payments.installments,
        reviews.review_score
    from orders
    left join items on orders.order_id = items.order_id
    left join payments on orders.order_id = payments.order_id
    left join reviews on orders.order_id = reviews.order_id
    left join customers on orders.customer_id = customers.customer_id
)

select * from final
