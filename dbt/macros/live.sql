{#
    A view of `live` is a source table's current state: the published rows, and on top every event accepted since that
    build. It names published tables and the journal as readers find them, not those of the build, and only reads what
    came after the build. Columns are those of the staging table.

    The CTEs of what such a view merges, of the units that an event since the build touched (`touched_since`): `batch`,
    rows of files, and `carried`, rows of events as they came.
#}
{% macro live_rows_to_merge(table) -%}
since as (
    {{ typed_events(events_since_build()) }}
),

{{ live_rows_of_touched(table) }}
{%- endmacro %}

{# The same from the CTE `since`, the events since the build, where a view merges several tables. #}
{% macro live_rows_of_touched(table) -%}
    {#- Not a ref in the SQL: the view outlives the file that it is made in. But built after these. -#}
    {%- do [ref('stg_' ~ table), ref('stg_batch_' ~ table), ref('stg_events'), source('control', 'journal')] -%}
    {%- set unit = unit_of(table) -%}
touched_since as (
    select distinct {{ unit_of_event(table) }} as {{ unit }}
    from since
    where {{ carries(table) }}
),

batch as (
    select * from {{ published('stg_batch_' ~ table) }}
    where {{ unit }} in (select {{ unit }} from touched_since)
),

events as (
    select version, event_type, data from since
    where {{ carries(table) }}
    union all
    select version, event_type, data from {{ published('stg_events') }}
    where
        {{ carries(table) }}
        and {{ unit_of_event(table) }} in (select {{ unit }} from touched_since)
),

carried as (
    {{ event_rows(table, 'events') }}
)
{%- endmacro %}

{#
    The rows of a source table now, as a query: of the units in `units`, a query, and of those that an event since the
    build touched. The CTE `since` has those events. Called with the cleaned columns, and `version`, of rows of events.
#}
{% macro live_rows(table, units) -%}
    {%- set columns = shape_of(table).columns | join(', ') -%}
    {%- set unit = unit_of(table) -%}
    with {{ live_rows_of_touched(table) }},

    cleaned as (
        select
            {{ caller() }}
        from carried
    ),

    {{ merged(table) }}

    select {{ columns }} from newest
    union all
    select {{ columns }} from {{ published('stg_' ~ table) }}
    where {{ unit }} in ({{ units }}) and {{ unit }} not in (select {{ unit }} from touched_since)
{%- endmacro %}

{# The events accepted since the build, as a table expression that the build wrote down in `control.journal`. #}
{% macro events_since_build() -%}
    {%- if execute -%}
        {%- set found = run_query("select since from " ~ source('control', 'journal')) -%}
        {%- if found.rows -%}
            {{ return(found.rows[0][0]) }}
        {%- endif -%}
    {%- endif -%}
    {#- While dbt parses, and in a run with `--empty`. -#}
    {{ return(source('raw', 'events')) }}
{%- endmacro %}
