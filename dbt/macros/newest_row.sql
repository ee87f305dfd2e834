{#
    Which raw rows a build takes in, and which of them wins.

    A full refresh takes all loads. An incremental build takes the loads that the version before has not
    seen (`control.new_loads`) and, for tables with an order_id, every row of the orders bought between
    `--start` and `--end` (`int_reprocessed_orders`).
#}
{% macro incremental_filter(by_order=false) -%}
    {#- Outside the condition, so that dbt sees the dependencies when it parses. -#}
    {%- set new_loads = source('control', 'new_loads') -%}
    {%- set reprocessed = ref('int_reprocessed_orders') if by_order -%}
    {%- if is_incremental() -%}
        where _load_id in (select load_id from {{ new_loads }})
        {%- if by_order %}
            or {{ identifier('order_id') }} in (select order_id from {{ reprocessed }})
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# One row per key: of the newest load, and within a file the last one, or the first in another order. #}
{% macro newest_row(relation, key, newest_first='_load_id desc, _row desc') -%}
    select *
    from {{ relation }}
    qualify row_number() over (partition by {{ key | join(', ') }} order by {{ newest_first }}) = 1
{%- endmacro %}
