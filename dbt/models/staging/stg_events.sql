{{ config(cluster_by=['event_type', 'order_id']) }}

with new_events as (
    select * from {{ ref('int_new_events') }}
),

-- Those before stay: an event does not change.
final as (
    select
        event_id,
        sender,
        event_type,
        event_time,
        received_at,
        source,
        seq,
        order_id,
        version,
        data
    from new_events
)

select * from final
