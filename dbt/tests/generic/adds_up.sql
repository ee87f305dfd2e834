{#
    Totals of this model equal totals of another one, exactly. `totals` lists expressions of this model,
    `expected` as many of `of`, `where` and `of_where` say over which rows. With `by`, for each value of
    that column of this model.
#}
{% test adds_up(model, totals, of, expected, where="true", of_where="true", by=none) %}
with actual as (
    select
        {{ by ~ "," if by }}
        {%- for total in totals %}
        coalesce({{ total }}, 0) as total_{{ loop.index }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ model }}
    where {{ where }}
    {{ "group by " ~ by if by }}
),

expected as (
    select
        {%- for total in expected %}
        coalesce({{ total }}, 0) as expected_{{ loop.index }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ of }}
    where {{ of_where }}
)

select *
from actual
cross join expected
where
    {%- for total in totals %}
    {{ "or " if not loop.first }}total_{{ loop.index }} != expected_{{ loop.index }}
    {%- endfor %}
{% endtest %}
