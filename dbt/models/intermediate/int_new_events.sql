{{ config(materialized='table') }}
{%- set events_before = published_before('stg_events', schema='staging') -%}

with source as (
    select * from {{ source('raw', 'events') }}
    {%- if events_before %}
    where {{ event_key() }} not in (select {{ event_key() }} from {{ events_before }})
    {%- endif %}
),

-- The journal may hold a line twice: a crash came between the line and its acknowledgement.
final as (
    {{ typed_events('source') }}
)

select * from final
