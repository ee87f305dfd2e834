{#
    What the YAML of a user's own model names, its columns and those of its KPI, has to be in the table. Run after each
    of these models, in place of a statement.
#}
{% macro check_named_columns() -%}
    {%- if execute -%}
        {%- set there = [] -%}
        {%- for column in adapter.get_columns_in_relation(this) -%}
            {%- do there.append(column.name | lower) -%}
        {%- endfor -%}
        {%- set kpi = (model.config.meta or {}).get('kpi') or {} -%}
        {%- set named = model.columns.keys() | list + (kpi.get('filters') or {}).values() | list -%}
        {%- for column in (kpi.get('order_by') or []) -%}
            {%- do named.append(column[1:] if column.startswith('-') else column) -%}
        {%- endfor -%}
        {%- do named.extend((kpi.get('y') or []) + ([kpi.x] if kpi.get('x') else [])) -%}
        {%- for column in named if column | lower not in there -%}
            {{ exceptions.raise_compiler_error(
                "its YAML names the column " ~ column ~ ", and it has " ~ there | join(", ")
            ) }}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
