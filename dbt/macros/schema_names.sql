{#
    A model's schema is exactly the one it names: staging, intermediate, marts, kpis. On BigQuery everything is
    built in one dataset, the one of the audit, and copied to those of these names when it has passed.
#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ schema_being_built(custom_schema_name or target.schema) }}
{%- endmacro %}

{% macro schema_being_built(name) -%}
    {{ return(adapter.dispatch('schema_being_built')(name)) }}
{%- endmacro %}

{% macro duckdb__schema_being_built(name) -%}
    {{ return(name) }}
{%- endmacro %}

{% macro bigquery__schema_being_built(name) -%}
    {{ return(target.schema) }}
{%- endmacro %}
