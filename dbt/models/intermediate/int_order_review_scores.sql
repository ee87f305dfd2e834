with reviews as (
    select * from {{ ref('stg_order_reviews') }}
    where order_id in (select order_id from {{ ref('int_changed_orders') }})
),

-- The newest answer counts; a review without an answer is older than any with one.
final as (
    select
        order_id,
        review_score
    from reviews
    qualify row_number() over (
        partition by order_id
        order by
            review_answer_timestamp desc nulls last,
            review_creation_date desc nulls last,
            review_id desc
    ) = 1
)

select * from final
