{{ config(
    materialized='incremental',
    unique_key=['review_id', 'order_id'],
    partition_by={'field': 'review_creation_date', 'data_type': 'datetime', 'granularity': 'month'},
    cluster_by='order_id'
) }}

with reviews as (
    select * from {{ ref('stg_order_reviews') }}
    where order_id in (select order_id from {{ ref('int_changed_orders') }})
),

orders as (
    select * from {{ ref('fact_orders') }}
),

final as (
    select
        reviews.review_id,
        reviews.order_id,
        reviews.review_score,
        reviews.review_comment_title,
        reviews.review_comment_message,
        reviews.review_creation_date,
        reviews.review_answer_timestamp
    from reviews
    inner join orders on reviews.order_id = orders.order_id
)

select * from final
