{{ config(
    materialized='incremental',
    unique_key=['order_id', 'payment_sequential'],
    partition_by={'field': 'order_purchase_timestamp', 'data_type': 'datetime', 'granularity': 'month'},
    cluster_by='order_id'
) }}

with payments as (
    select * from {{ ref('stg_order_payments') }}
    where order_id in (select order_id from {{ ref('int_changed_orders') }})
),

orders as (
    select * from {{ ref('fact_orders') }}
),

final as (
    select
        payments.order_id,
        payments.payment_sequential,
        payments.payment_type,
        payments.payment_installments,
        payments.payment_value,
        orders.customer_id,
        orders.order_purchase_timestamp,
        orders.is_valid_sale
    from payments
    inner join orders on payments.order_id = orders.order_id
)

select * from final
