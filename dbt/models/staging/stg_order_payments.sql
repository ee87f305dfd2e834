{{ config(
    unique_key=['order_id', 'payment_sequential'],
    cluster_by='order_id'
) }}

{{ newest_values('order_payments') }}
