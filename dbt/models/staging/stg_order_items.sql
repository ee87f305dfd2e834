{{ config(
    unique_key=['order_id', 'order_item_id'],
    partition_by={'field': 'shipping_limit_date', 'data_type': 'datetime', 'granularity': 'month'},
    cluster_by='order_id'
) }}

with source as (
    select * from {{ source('raw', 'order_items') }}
    {{ taken_in(by_order=true) }}
),

cleaned as (
    select
        {{ identifier('order_id') }} as order_id,
        order_item_id,
        {{ identifier('product_id') }} as product_id,
        {{ identifier('seller_id') }} as seller_id,
        shipping_limit_date,
        price,
        freight_value,
        _load_id,
        _row
    from source
),

newest as (
    {{ newest_row('cleaned', ['order_id', 'order_item_id']) }}
),

final as (
    select
        order_id,
        order_item_id,
        product_id,
        seller_id,
        shipping_limit_date,
        price,
        freight_value
    from newest
)

select * from final
