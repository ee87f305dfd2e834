{{ config(
    unique_key='order_id',
    partition_by={'field': 'order_purchase_timestamp', 'data_type': 'datetime', 'granularity': 'month'},
    cluster_by='order_id'
) }}

{{ newest_values('orders') }}
