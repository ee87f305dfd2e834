{{ config(
    unique_key='order_id',
    partition_by={'field': 'order_purchase_timestamp', 'data_type': 'datetime', 'granularity': 'month'},
    cluster_by='order_id'
) }}

with source as (
    select * from {{ source('raw', 'orders') }}
    {{ taken_in(by_order=true) }}
),

cleaned as (
    select
        {{ identifier('order_id') }} as order_id,
        {{ identifier('customer_id') }} as customer_id,
        order_status,
        order_purchase_timestamp,
        order_approved_at,
        order_delivered_carrier_date,
        order_delivered_customer_date,
        order_estimated_delivery_date,
        _load_id,
        _row
    from source
),

newest as (
    {{ newest_row('cleaned', ['order_id']) }}
),

final as (
    select
        order_id,
        customer_id,
        order_status,
        order_purchase_timestamp,
        order_approved_at,
        order_delivered_carrier_date,
        order_delivered_customer_date,
        order_estimated_delivery_date
    from newest
)

select * from final
