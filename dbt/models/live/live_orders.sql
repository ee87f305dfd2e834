{{ config(alias='orders') }}

with {{ live_rows_to_merge('orders') }}, {#- makes batch, carried #}

cleaned as (
    select
        {# cleaned columns of orders, rendered by `make docs` #}
        {{ identifier('order_id') }} as order_id,
        {{ identifier('customer_id') }} as customer_id,
        order_status,
        order_purchase_timestamp,
        order_approved_at,
        order_delivered_carrier_date,
        order_delivered_customer_date,
        order_estimated_delivery_date,
        {# end #}
        version
    from carried
),

{{ merged('orders') }}, {#- makes newest #}

final as (
    select
        {# columns of orders, rendered by `make docs` #}
        order_id,
        customer_id,
        order_status,
        order_purchase_timestamp,
        order_approved_at,
        order_delivered_carrier_date,
        order_delivered_customer_date,
        order_estimated_delivery_date
    {# end #}
    from {{ published('stg_orders') }}
    where order_id not in (select order_id from touched_since)
    union all
    select
        {# staged columns of orders, rendered by `make docs` #}
        order_id,
        customer_id,
        order_status,
        order_purchase_timestamp,
        order_approved_at,
        order_delivered_carrier_date,
        order_delivered_customer_date,
        order_estimated_delivery_date
    {# end #}
    from newest
)

select * from final
