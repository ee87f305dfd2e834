{{ config(
    unique_key=['order_id', 'payment_sequential'],
    cluster_by='order_id'
) }}
{{ newest_batch_rows('order_payments') }}
