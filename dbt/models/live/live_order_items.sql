{{ config(alias='order_items') }}

with {{ live_rows_to_merge('order_items') }}, {#- makes batch, carried #}

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
        {# columns of order_items, rendered by `make docs` #}
        order_id,
        order_item_id,
        product_id,
        seller_id,
        shipping_limit_date,
        price,
        freight_value
    {# end #}
    from {{ published('stg_order_items') }}
    where order_id not in (select order_id from touched_since)
    union all
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
