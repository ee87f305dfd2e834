{{ config(
    unique_key=['order_id', 'order_item_id'],
    partition_by={'field': 'shipping_limit_date', 'data_type': 'datetime', 'granularity': 'month'},
    cluster_by='order_id'
) }}

with {{ rows_to_merge('order_items') }}, {#- makes batch, carried #}

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
        version
    from carried
),

{{ merged('order_items') }}, {#- makes newest #}

final as (
    select
        {# staged columns of order_items, rendered by `make docs` #}
        order_id,
        order_item_id,
        product_id,
        seller_id,
        shipping_limit_date,
        price,
        freight_value
    {# end #}
    from newest
)

select * from final
