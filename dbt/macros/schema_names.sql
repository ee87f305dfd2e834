{# A model's schema is exactly the one it names: staging, intermediate, marts, kpis. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}
