{# The checks of the generic test `audit`: each gives the rows that fail it. #}

{% macro failing_key(model, columns, nullable) -%}
    select
        {{ columns | join(', ') }},
        count(*) as occurrences
    from {{ model }}
    group by {{ columns | join(', ') }}
    having
        count(*) > 1
        {%- for column in columns if column not in nullable %}
        or {{ column }} is null
        {%- endfor %}
{%- endmacro %}

{% macro failing_rule(model, expression) -%}
    select * from {{ model }}
    where not coalesce({{ expression }}, false)
{%- endmacro %}

{% macro failing_reference(model, column, parent, field) -%}
    select children.*
    from {{ model }} as children
    left join {{ parent }} as parents on children.{{ column }} = parents.{{ field }}
    where children.{{ column }} is not null and parents.{{ field }} is null
{%- endmacro %}

{# Whether the parent of a row without one is on its way. #}
{% macro awaited_values(column, awaited) -%}
    children.{{ column }} in (
        select {{ awaited.field }} from {{ awaited.of }}
        where {{ awaited.field }} is not null
    )
{%- endmacro %}

{% macro failing_totals(model, total) -%}
    select *
    from (
        select
            {{ total.by ~ "," if total.by }}
            {%- for expression in total.totals %}
            coalesce({{ expression }}, 0) as total_{{ loop.index }}{{ "," if not loop.last }}
            {%- endfor %}
        from {{ model }}
        where {{ total.where or "true" }}
        {{ "group by " ~ total.by if total.by }}
    ) as actual
    cross join (
        select
            {%- for expression in total.expected %}
            coalesce({{ expression }}, 0) as expected_{{ loop.index }}{{ "," if not loop.last }}
            {%- endfor %}
        from {{ total.of }}
        where {{ total.of_where or "true" }}
    ) as expected
    where
        {%- for expression in total.totals %}
        {{ "or " if not loop.first }}total_{{ loop.index }} != expected_{{ loop.index }}
        {%- endfor %}
{%- endmacro %}

{% macro failing_sums(model, item) -%}
    select
        parents.{{ item.by }},
        parents.{{ item.equals }} as expected,
        summed.total
    from (
        select
            {{ item.by }},
            sum({{ item.sum }}) as total
        from {{ model }}
        group by {{ item.by }}
    ) as summed
    inner join {{ item.of }} as parents on summed.{{ item.by }} = parents.{{ item.by }}
    where summed.total is distinct from parents.{{ item.equals }}
{%- endmacro %}

{# The severity of rows that a few may fail: over `percent` of the model and over a handful of rows is an error. #}
{% macro too_many(model, percent, handful=10) -%}
    case
        when count(*) over () > {{ handful }} and count(*) over () * 100 > {{ percent }} * (select count(*) from {{ model }})
            then 'error'
        else 'warn'
    end
{%- endmacro %}
