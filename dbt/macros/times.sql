{# The zone of business time: naive times, TIMESTAMP on DuckDB, DATETIME on BigQuery. #}
{% macro business_time_zone() -%}
    {{ return(env_var('ARMAZEM_DBT_TIME_ZONE', 'America/Sao_Paulo')) }}
{%- endmacro %}

{# The time that a load's identifier, YYYYMMDDTHHMMSSffffffZ, begins at, as `utc_text` writes one. #}
{% macro load_time(load_id) -%}
    {%- set parts = [] -%}
    {%- for first, length, mark in [(1, 4, '-'), (5, 2, '-'), (7, 2, 'T'), (10, 2, ':'), (12, 2, ':'), (14, 2, '.')] -%}
        {%- do parts.append("substr(" ~ load_id ~ ", " ~ first ~ ", " ~ length ~ ") || '" ~ mark ~ "'") -%}
    {%- endfor -%}
    {{ return(parts | join(' || ') ~ " || substr(" ~ load_id ~ ", 16, 6)") }}
{%- endmacro %}
