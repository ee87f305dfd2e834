{# Delete the rows of the periods listed in another table; the whole time, `all`, is one that always changes. #}
{% macro delete_periods(relation, periods) -%}
    delete from {{ relation }} as shown
    where
        grain = 'all'
        or exists (
            select 1 from {{ periods }} as periods
            where periods.grain = shown.grain
            and periods.period_start = shown.period_start
        )
{%- endmacro %}
