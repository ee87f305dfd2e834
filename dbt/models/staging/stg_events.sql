{{ config(cluster_by=['event_type', 'order_id']) }}

-- What is new is what no row here has the event_id of.
with final as (
    select * from {{ ref('int_new_events') }}
)

select * from final
