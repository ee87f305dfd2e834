{{ config(materialized='table') }}

-- An extract says nothing about what came after it was made: it is as old as the newest time written in it.
with written as (
    select
        _load_id as load_id,
        greatest(
            order_purchase_timestamp,
            coalesce(order_approved_at, order_purchase_timestamp),
            coalesce(order_delivered_carrier_date, order_purchase_timestamp),
            coalesce(order_delivered_customer_date, order_purchase_timestamp)
        ) as written_at
    from {{ source('raw', 'orders') }}
    union all
    select
        _load_id as load_id,
        coalesce(review_answer_timestamp, review_creation_date) as written_at
    from {{ source('raw', 'order_reviews') }}
),

newest as (
    select
        load_id,
        max(written_at) as written_at
    from written
    group by load_id
),

-- What somebody told of it, `load --as-of`, goes before.
stated as (
    select * from {{ source('control', 'load_ages') }}
),

-- What lies ahead of the load, a clock that is wrong, does not make it newer than it is.
final as (
    select
        load_id,
        as_of as version,
        true as is_stated
    from stated
    union all
    select
        load_id,
        least({{ business_time_as_utc_text('written_at') }}, {{ load_time('load_id') }}) as version,
        false as is_stated
    from newest
    where
        written_at is not null
        and load_id not in (select load_id from stated)
)

select * from final
