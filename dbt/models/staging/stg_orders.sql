{{ config(
    unique_key='order_id',
    partition_by={'field': 'order_purchase_timestamp', 'data_type': 'datetime', 'granularity': 'month'},
    cluster_by='order_id'
) }}

with {{ rows_to_merge('orders') }}, {#- makes batch, carried #}

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
