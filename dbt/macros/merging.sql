{#
    Batch rows and events become one row per key: of each column the newest value. A value is as new as its version,
    a text that sorts by time in UTC, then by the stage of the order that an event tells, and then by event_id. Null is
    no value: an event that does not carry a column says nothing about it. So the same rows and events give the same
    table, whichever way and order they came in.
#}

{#
    How far on an order of this status is, as a digit. Senders stamp whole seconds: of two events of one time the one
    that is further on came later. What tells no status is like an order that was just created.
#}
{% macro stage_of(status) -%}
    case {{ status }}
    {%- for name in order_statuses() %} when '{{ name }}' then '{{ loop.index0 }}'{% endfor %} else '0' end
{%- endmacro %}

{# What rows of a source table are computed together by: the order, or the thing itself. #}
{% macro unit_of(table) -%}
    {{ return('order_id' if 'order_id' in shape_of(table).key else shape_of(table).key[0]) }}
{%- endmacro %}

{# The column of what an event says of a thing that it speaks of once, such as the order; words. #}
{% macro event_field(part, column) -%}
    {{ return(field_of(carried_part(part), part, column)) }}
{%- endmacro %}

{# Where an event says which unit it speaks of. #}
{% macro unit_of_event(table) -%}
    {%- set unit = unit_of(table) -%}
    {{ return('order_id' if unit == 'order_id' else event_field(table, unit)) }}
{%- endmacro %}

{# Whether an event carries rows of a source table. #}
{% macro carries(table) -%}
    {{ return("event_type in ('" ~ event_types_of(table) | join("', '") ~ "')") }}
{%- endmacro %}

{#
    The CTEs from `cleaned`, the raw rows that a build takes in, to `newest`, one row per key with its version: of each
    key the row of the newest extract. Where somebody told how old an extract is, that counts, else when it was loaded. It
    may be loaded late, so a new row is compared with the one that is there.

    Of the CTE `relation`, as `new_rows`, `version` is an expression over its columns and those of `load_times`, and
    `newest_first` an order over `version` and `is_stated` besides. See stg_batch_orders.
#}
{% macro newest_batch_rows(table, relation='cleaned', version='load_times.version', newest_first=none) -%}
    {%- set shape = shape_of(table) -%}
    {%- set unit = unit_of(table) -%}
    {%- set age = "case when is_stated then version else " ~ load_time('_load_id') ~ " end" -%}
    {%- set newest_first = newest_first or age ~ " desc" -%}
load_times as (
    select * from {{ ref('int_load_times') }}
),

candidates as (
    select
        {%- for name in shape.columns %}
        new_rows.{{ name }},
        {%- endfor %}
        new_rows._load_id,
        new_rows._row,
        coalesce({{ version }}, {{ load_time('new_rows._load_id') }}) as version,
        coalesce(load_times.is_stated, false) as is_stated
    from {{ relation }} as new_rows
    left join load_times on new_rows._load_id = load_times.load_id
    {%- if is_incremental() %}
    union all
    select
        {%- for name in shape.columns %}
        before.{{ name }},
        {%- endfor %}
        before._load_id,
        -1 as _row,
        before.version,
        before._load_id in (select load_id from load_times where is_stated) as is_stated
    from {{ this }} as before
    where before.{{ unit }} in (select {{ unit }} from cleaned)
    {%- endif %}
),

newest as (
    {{ newest_row('candidates', shape.key, newest_first ~ ', _load_id desc, _row desc') }}
)
{%- endmacro %}

{#
    The CTEs of what a build merges: `batch`, rows of files, and `carried`, rows of events as they came; of the units that
    something new speaks of, or of all in a full refresh.
#}
{% macro rows_to_merge(table) -%}
    {#- Named here, so that dbt sees the dependencies when it parses. -#}
    {%- set batch = ref('stg_batch_' ~ table) -%}
    {%- set events = ref('stg_events') -%}
    {%- set new_events = ref('int_new_events') -%}
    {%- set new_loads = source('control', 'new_loads') -%}
    {%- set unit = unit_of(table) -%}
    {%- set reprocessed = ref('int_reprocessed_orders') if unit == 'order_id' -%}
    {%- if is_incremental() -%}
changed as (
    select {{ unit }} from {{ batch }}
    where _load_id in (select load_id from {{ new_loads }})
    union distinct
    select {{ unit_of_event(table) }} as {{ unit }} from {{ new_events }}
    where {{ carries(table) }}
    {%- if reprocessed %}
    union distinct
    select {{ unit }} from {{ reprocessed }}
    {%- endif %}
),

{% endif -%}
batch as (
    select * from {{ batch }}
    {%- if is_incremental() %}
    where {{ unit }} in (select {{ unit }} from changed)
    {%- endif %}
),

events as (
    select
        version,
        data
    from {{ events }}
    where
        {{ carries(table) }}
        {%- if is_incremental() %}
        and {{ unit_of_event(table) }} in (select {{ unit }} from changed)
        {%- endif %}
),

carried as (
    {{ event_rows(table, 'events') }}
)
{%- endmacro %}

{# The CTEs that merge `batch` and `cleaned`, rows of events, into `newest`: one row per key, of all columns. #}
{% macro merged(table) -%}
    {%- set shape = shape_of(table) -%}
    {%- set unit = unit_of(table) -%}
touched as (
    select distinct {{ unit }} from cleaned
),

versions as (
    select
        {{ shape.columns | join(', ') }},
        version
    from cleaned
    union all
    select
        {{ shape.columns | join(', ') }},
        {#- As of two events of one time, the further stage counts; where that is the same, the event. #}
        {{ "version || ' ' || " ~ stage_of('order_status') ~ ' as version' if table == 'orders' else 'version' }}
    from batch
    where {{ unit }} in (select {{ unit }} from touched)
),

newest_of_each_column as (
    select
        {%- for name in shape.columns %}
        {{ name if name in shape.key else newest_value(name, 'version') ~ ' as ' ~ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from versions
    group by {{ shape.key | join(', ') }}
),

newest as (
    select {{ shape.columns | join(', ') }} from batch
    where {{ unit }} not in (select {{ unit }} from touched)
    union all
    -- What an event says of an order that has not come yet waits for it.
    select {{ shape.columns | join(', ') }} from newest_of_each_column
    {%- for name in shape.required %}
    {{ 'where' if loop.first else 'and' }} {{ name }} is not null
    {%- endfor %}
)
{%- endmacro %}

{# The rows of a source table that events carry, as they came, with the event's version. #}
{% macro event_rows(table, events) -%}
    {%- set is_list = table in repeated_parts() -%}
    {%- set part = 'part' if is_list else carried_part(table) -%}
    select
        {%- for name in shape_of(table).columns %}
        {{ named_field_of(part, table, name) }},
        {%- endfor %}
        version
    from {{ '(' ~ exploded(events, carried_part(table)) ~ ') as parts' if is_list else events }}
{%- endmacro %}

{# What an event is known by: its id, with the name of its sender where it has one. Neither has a line break. #}
{% macro event_key() -%}
    event_id || coalesce(chr(10) || sender, '')
{%- endmacro %}

{# Raw events with what the models need of them: one row per event. #}
{% macro typed_events(relation) -%}
    select
        event_id,
        sender,
        event_type,
        timestamp as event_time,
        received_at,
        source,
        seq,
        coalesce(
            {%- for part in parts_with_order() %}
            {%- set carried = first_element(carried_part(part)) if part in repeated_parts() else carried_part(part) %}
            {{ field_of(carried, part, 'order_id') }}{{ ',' if not loop.last }}
            {%- endfor %}
        ) as order_id,
        {{ utc_text('timestamp') }} || ' ' || {{ stage_of(event_field('orders', 'order_status')) }}
            || ' ' || {{ event_key() }} as version,
        data
    from {{ relation }}
    qualify row_number() over (partition by event_id, sender order by received_at asc, seq asc) = 1
{%- endmacro %}
