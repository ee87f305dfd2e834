{{ config(
    unique_key=['order_id', 'order_item_id'],
    partition_by={'field': 'shipping_limit_date', 'data_type': 'datetime', 'granularity': 'month'},
    cluster_by='order_id'
) }}

{{ newest_values('order_items') }}
