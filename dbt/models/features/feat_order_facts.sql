{{ config(cluster_by='order_id') }}

with orders as (
    select * from {{ ref('fact_orders') }}
),

reviews as (
    select * from {{ ref('fact_reviews') }}
),

told as (
    {{ tellings(ref('stg_batch_orders'), ref('stg_batch_order_reviews'), ref('stg_events')) }}
),

{{ order_facts('orders', 'reviews', 'told') }} {#- makes order_facts #}

select * from order_facts
