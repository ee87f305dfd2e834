{{ config(
    unique_key=['review_id', 'order_id'],
    partition_by={'field': 'review_creation_date', 'data_type': 'datetime', 'granularity': 'month'},
    cluster_by='order_id'
) }}

{{ newest_values('order_reviews') }}
