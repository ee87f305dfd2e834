{{ config(
    unique_key=['review_id', 'order_id'],
    partition_by={'field': 'review_creation_date', 'data_type': 'datetime', 'granularity': 'month'},
    cluster_by='order_id'
) }}

with source as (
    select * from {{ source('raw', 'order_reviews') }}
    {{ incremental_filter(by_order=true) }}
),

cleaned as (
    select
        {# cleaned columns of order_reviews, rendered by `make docs` #}
        {{ identifier('review_id') }} as review_id,
        {{ identifier('order_id') }} as order_id,
        review_score,
        {{ text('review_comment_title') }} as review_comment_title,
        {{ text('review_comment_message') }} as review_comment_message,
        review_creation_date,
        review_answer_timestamp,
        {# end #}
        _load_id,
        _row
    from source
),

{{ newest_batch_rows('order_reviews') }}, {#- makes newest #}

final as (
    select
        {# columns of order_reviews, rendered by `make docs` #}
        review_id,
        order_id,
        review_score,
        review_comment_title,
        review_comment_message,
        review_creation_date,
        review_answer_timestamp,
        {# end #}
        version,
        _load_id
    from newest
)

select * from final
