{# Delete the rows of the periods listed in another table; the whole time, `all`, is one that always changes. #}
{% macro delete_periods(relation, periods) -%}
    delete from {{ relation }}
    where
        grain = 'all'
        or exists (
            select 1 from {{ periods }} as periods
            where periods.grain = {{ relation.identifier }}.grain
            and periods.period_start = {{ relation.identifier }}.period_start
        )
{%- endmacro %}
