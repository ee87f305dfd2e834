{# Nested columns and versions: what the databases write differently about events. #}

{# The value that goes with the greatest version; null is no value. #}
{% macro newest_value(column, version) -%}
    {{ return(adapter.dispatch('newest_value')(column, version)) }}
{%- endmacro %}

{% macro duckdb__newest_value(column, version) -%}
    {{ return("arg_max(" ~ column ~ ", " ~ version ~ ")") }}
{%- endmacro %}

{% macro bigquery__newest_value(column, version) -%}
    {{ return("max_by(" ~ column ~ ", if(" ~ column ~ " is null, null, " ~ version ~ "))") }}
{%- endmacro %}

{# A query of one row per element of a list: columns `part` and `version`. #}
{% macro exploded(relation, list) -%}
    {{ return(adapter.dispatch('exploded')(relation, list)) }}
{%- endmacro %}

{% macro duckdb__exploded(relation, list) -%}
    {{ return("select unnest(" ~ list ~ ") as part, version from " ~ relation) }}
{%- endmacro %}

{% macro bigquery__exploded(relation, list) -%}
    {{ return("select part, version from " ~ relation ~ ", unnest(" ~ list ~ ") as part") }}
{%- endmacro %}

{# The first element of a list, null where it is empty. #}
{% macro first_of(list) -%}
    {{ return(adapter.dispatch('first_of')(list)) }}
{%- endmacro %}

{% macro duckdb__first_of(list) -%}
    {{ return(list ~ "[1]") }}
{%- endmacro %}

{% macro bigquery__first_of(list) -%}
    {{ return(list ~ "[safe_offset(0)]") }}
{%- endmacro %}

{# A time with its zone as text in UTC to the microsecond: it sorts as the times do. #}
{% macro utc_text(time) -%}
    {{ return(adapter.dispatch('utc_text')(time)) }}
{%- endmacro %}

{% macro duckdb__utc_text(time) -%}
    {{ return("strftime(timezone('UTC', " ~ time ~ "), '%Y-%m-%dT%H:%M:%S.%f')") }}
{%- endmacro %}

{% macro bigquery__utc_text(time) -%}
    {{ return("format_timestamp('%Y-%m-%dT%H:%M:%E6S', " ~ time ~ ", 'UTC')") }}
{%- endmacro %}

{# Naive business time as such a text. #}
{% macro business_time_as_utc_text(time) -%}
    {{ return(adapter.dispatch('business_time_as_utc_text')(time, business_time_zone())) }}
{%- endmacro %}

{% macro duckdb__business_time_as_utc_text(time, zone) -%}
    {{ return(utc_text("timezone('" ~ zone ~ "', " ~ time ~ ")")) }}
{%- endmacro %}

{% macro bigquery__business_time_as_utc_text(time, zone) -%}
    {{ return(utc_text("timestamp(" ~ time ~ ", '" ~ zone ~ "')")) }}
{%- endmacro %}

{# The time that a load's identifier, YYYYMMDDTHHMMSSffffffZ, begins at, as such a text. #}
{% macro load_time(load_id) -%}
    {%- set parts = [] -%}
    {%- for first, length, mark in [(1, 4, '-'), (5, 2, '-'), (7, 2, 'T'), (10, 2, ':'), (12, 2, ':'), (14, 2, '.')] -%}
        {%- do parts.append("substr(" ~ load_id ~ ", " ~ first ~ ", " ~ length ~ ") || '" ~ mark ~ "'") -%}
    {%- endfor -%}
    {{ return(parts | join(' || ') ~ " || substr(" ~ load_id ~ ", 16, 6)") }}
{%- endmacro %}
