{{ config(cluster_by='order_id') }}

with orders as (
    select * from {{ ref('fact_orders') }}
),

reviews as (
    select * from {{ ref('fact_reviews') }}
),

-- When we were told: by an event when it came, by a file when it was loaded.
told as (
    select
        order_id,
        {{ utc_time(load_time('_load_id')) }} as recorded_at,
        true as tells_order,
        order_delivered_carrier_date is not null as tells_carrier,
        order_delivered_customer_date is not null as tells_delivery,
        false as tells_review
    from {{ ref('stg_batch_orders') }}
    union all
    select
        order_id,
        {{ utc_time(load_time('_load_id')) }} as recorded_at,
        false as tells_order,
        false as tells_carrier,
        false as tells_delivery,
        true as tells_review
    from {{ ref('stg_batch_order_reviews') }}
    union all
    select
        order_id,
        received_at as recorded_at,
        data.orders.order_purchase_timestamp is not null as tells_order,
        data.orders.order_delivered_carrier_date is not null as tells_carrier,
        data.orders.order_delivered_customer_date is not null as tells_delivery,
        data.order_reviews.review_score is not null as tells_review
    from {{ ref('stg_events') }}
    where order_id is not null
),

{{ order_facts('orders', 'reviews', 'told') }} {#- makes order_facts #}

select * from order_facts
