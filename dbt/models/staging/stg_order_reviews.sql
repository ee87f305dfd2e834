{{ config(
    unique_key=['review_id', 'order_id'],
    partition_by={'field': 'review_creation_date', 'data_type': 'datetime', 'granularity': 'month'},
    cluster_by='order_id'
) }}

with {{ rows_to_merge('order_reviews') }}, {#- makes batch, carried #}

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
        version
    from carried
),

{{ merged('order_reviews') }}, {#- makes newest #}

final as (
    select
        {# staged columns of order_reviews, rendered by `make docs` #}
        review_id,
        order_id,
        review_score,
        review_comment_title,
        review_comment_message,
        review_creation_date,
        review_answer_timestamp
    {# end #}
    from newest
)

select * from final
