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

{# The columns of a staging table, as name to expression over its newest values. #}
{% macro staged_columns(table) -%}
    {%- set columns = {} -%}
    {%- for name in cleaned_columns(table) -%}
        {%- do columns.update({name: name}) -%}
    {%- endfor -%}
    {%- if table == 'order_payments' -%}
        {#- A payment is made in one instalment at least; two real rows say 0. -#}
        {%- do columns.update({'payment_installments': 'greatest(coalesce(payment_installments, 1), 1)'}) -%}
    {%- endif -%}
    {{ return(columns) }}
{%- endmacro %}

{# What rows of a source table are computed together by: the order, or the thing itself. #}
{% macro unit_of(table) -%}
    {{ return('order_id' if 'order_id' in shape_of(table).key else shape_of(table).key[0]) }}
{%- endmacro %}

{# Where an event says which unit it speaks of. #}
{% macro unit_of_event(table) -%}
    {{ return('order_id' if unit_of(table) == 'order_id' else 'data.' ~ table ~ '.' ~ unit_of(table)) }}
{%- endmacro %}

{# Whether an event carries rows of a source table. #}
{% macro carries(table) -%}
    {{ return("event_type in ('" ~ event_types_of(table) | join("', '") ~ "')") }}
{%- endmacro %}

{#
    The raw rows, cleaned, with their version: of each key the one of the newest extract. Where somebody told how old
    an extract is, that counts, else when it was loaded. It may be loaded late, so a new row is compared with the one
    that is there. See stg_batch_orders.
#}
{% macro newest_batch_rows(table, version='load_times.version', newest_first=none) -%}
    {#- Named here, so that dbt sees the dependencies when it parses. -#}
    {%- set source_rows = source('raw', table) -%}
    {%- set load_times = ref('int_load_times') -%}
    {%- set taken = taken_in(by_order=unit_of(table) == 'order_id') -%}
    {%- set columns = cleaned_columns(table) | list -%}
    {%- set age = "case when is_stated then version else " ~ load_time('_load_id') ~ " end" -%}
    {%- set newest_first = newest_first or age ~ " desc" -%}
with source as (
    select * from {{ source_rows }}
    {{ taken }}
),

load_times as (
    select * from {{ load_times }}
),

cleaned as (
    select
        {%- for name, expression in cleaned_columns(table).items() %}
        {{ expression }} as {{ name }},
        {%- endfor %}
        _load_id,
        _row
    from source
),

{% if table == 'orders' -%}
-- Within a file the last row counts, whatever it says: only between files is an order held to its stages.
last_rows as (
    {{ newest_row('cleaned', shape_of(table).key + ['_load_id'], '_row desc') }}
),

{% endif -%}
candidates as (
    select
        {%- for name in columns %}
        last_rows.{{ name }},
        {%- endfor %}
        last_rows._load_id,
        last_rows._row,
        coalesce({{ version }}, {{ load_time('last_rows._load_id') }}) as version,
        coalesce(load_times.is_stated, false) as is_stated
    from {{ 'last_rows' if table == 'orders' else 'cleaned as last_rows' }}
    left join load_times on last_rows._load_id = load_times.load_id
    {%- if is_incremental() %}
    union all
    select
        {%- for name in columns %}
        before.{{ name }},
        {%- endfor %}
        before._load_id,
        -1 as _row,
        before.version,
        before._load_id in (select load_id from load_times where is_stated) as is_stated
    from {{ this }} as before
    where before.{{ unit_of(table) }} in (select {{ unit_of(table) }} from cleaned)
    {%- endif %}
),

newest as (
    {{ newest_row('candidates', shape_of(table).key, newest_first ~ ', _load_id desc, _row desc') }}
),

final as (
    select
        {{ columns | join(', ') }},
        version,
        _load_id
    from newest
)

select * from final
{%- endmacro %}

{# One row per key out of batch rows and events, of the units that this build computes. See stg_orders. #}
{% macro newest_values(table) -%}
    {#- Named here, so that dbt sees the dependencies when it parses. -#}
    {%- set batch = ref('stg_batch_' ~ table) -%}
    {%- set events = ref('stg_events') -%}
    {%- set new_events = ref('int_new_events') -%}
    {%- set new_loads = source('control', 'new_loads') -%}
    {%- set reprocessed = ref('int_reprocessed_orders') if unit_of(table) == 'order_id' -%}
    {%- set unit = unit_of(table) -%}
with
{%- if is_incremental() %}
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
{%- endif %}

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

{{ merged(table) }},

final as (
    select
        {%- for name, expression in staged_columns(table).items() %}
        {{ expression }}{{ ' as ' ~ name if expression != name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from newest
)

select * from final
{%- endmacro %}

{# The CTEs that merge the CTEs `batch` and `events` into `newest`: whole rows of the contract's columns. #}
{% macro merged(table) -%}
    {%- set shape = shape_of(table) -%}
    {%- set unit = unit_of(table) -%}
    {%- set columns = cleaned_columns(table) | list -%}
carried as (
    {{ event_rows(table, 'events') }}
),

touched as (
    select distinct {{ unit }} from carried
),

versions as (
    select
        {{ columns | join(', ') }},
        version
    from carried
    union all
    select
        {{ columns | join(', ') }},
        {#- As of two events of one time, the further stage counts; where that is the same, the event. #}
        {{ "version || ' ' || " ~ stage_of('order_status') ~ ' as version' if table == 'orders' else 'version' }}
    from batch
    where {{ unit }} in (select {{ unit }} from touched)
),

newest_of_each_column as (
    select
        {%- for name in columns %}
        {{ name if name in shape.key else newest_value(name, 'version') ~ ' as ' ~ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from versions
    group by {{ shape.key | join(', ') }}
),

newest as (
    select {{ columns | join(', ') }} from batch
    where {{ unit }} not in (select {{ unit }} from touched)
    union all
    -- What an event says of an order that has not come yet waits for it.
    select {{ columns | join(', ') }} from newest_of_each_column
    {%- for name in shape.needs %}
    {{ 'where' if loop.first else 'and' }} {{ name }} is not null
    {%- endfor %}
)
{%- endmacro %}

{# The rows of a source table that events carry, cleaned, with the event's version. #}
{% macro event_rows(table, events) -%}
    {%- if table in repeated_parts() -%}
    select
        {%- for name, expression in cleaned_columns(table, 'part.').items() %}
        {{ expression }} as {{ name }},
        {%- endfor %}
        version
    from ({{ exploded(events, 'data.' ~ table) }}) as parts
    {%- else -%}
    select
        {%- for name, expression in cleaned_columns(table).items() %}
        {{ expression }} as {{ name }},
        {%- endfor %}
        version
    from (
        select
            {%- for name in cleaned_columns(table) %}
            data.{{ table }}.{{ name }},
            {%- endfor %}
            version
        from {{ events }}
    ) as parts
    {%- endif -%}
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
            {{ first_of('data.' ~ part) if part in repeated_parts() else 'data.' ~ part }}.order_id{{ ',' if not loop.last }}
            {%- endfor %}
        ) as order_id,
        {{ utc_text('timestamp') }} || ' ' || {{ stage_of('data.orders.order_status') }}
            || ' ' || {{ event_key() }} as version,
        data
    from {{ relation }}
    qualify row_number() over (partition by event_id, sender order by received_at asc, seq asc) = 1
{%- endmacro %}
