{#
    A model's schema is the folder that it lies in: staging, intermediate, marts, kpis; or the one that it names. On
    BigQuery everything is built in one dataset, the one of the audit, and copied to those of these names when it has
    passed.
#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- set folder = node.fqn[1] if node is not none and node.fqn | length > 2 else target.schema -%}
    {{ schema_being_built(custom_schema_name or folder) }}
{%- endmacro %}
