{{ config(
    materialized='incremental',
    unique_key=['order_id', 'order_item_id'],
    partition_by={'field': 'order_purchase_timestamp', 'data_type': 'datetime', 'granularity': 'month'},
    cluster_by=['product_id', 'seller_id']
) }}

with final as (
    select
        order_id,
        order_item_id,
        product_id,
        seller_id,
        customer_id,
        customer_unique_id,
        order_purchase_timestamp,
        order_delivered_timestamp,
        days_to_deliver,
        order_status,
        is_valid_sale,
        payment_type,
        payment_installments,
        price,
        freight_value,
        payment_value,
        customer_city,
        customer_state,
        seller_city,
        seller_state
    from {{ ref('audit_fact_sales') }}
)

select * from final
