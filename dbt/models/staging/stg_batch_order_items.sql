{{ config(
    unique_key=['order_id', 'order_item_id'],
    partition_by={'field': 'shipping_limit_date', 'data_type': 'datetime', 'granularity': 'month'},
    cluster_by='order_id'
) }}

with source as (
    select * from {{ source('raw', 'order_items') }}
    {{ incremental_filter(by_order=true) }}
),

cleaned as (
    select
        {# cleaned columns of order_items, rendered by `make docs` #}
        {{ identifier('order_id') }} as order_id,
        order_item_id,
        {{ identifier('product_id') }} as product_id,
        {{ identifier('seller_id') }} as seller_id,
        shipping_limit_date,
        price,
        freight_value,
        {# end #}
        _load_id,
        _row
    from source
),

{{ newest_batch_rows('order_items') }}, {#- makes newest #}

final as (
    select
        {# columns of order_items, rendered by `make docs` #}
        order_id,
        order_item_id,
        product_id,
        seller_id,
        shipping_limit_date,
        price,
        freight_value,
        {# end #}
        version,
        _load_id
    from newest
)

select * from final
