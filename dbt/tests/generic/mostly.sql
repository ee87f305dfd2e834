{#
    The expression is true on all but `tolerated_pct` percent of the rows. One bad row must not stop the
    good ones; a whole bad extract must. `leave_out`: why -> {column, of, field, where}; rows whose value is one of
    `field` in `of`, in all rows or those of `where`, do not count.
#}
{% test mostly(model, expression, tolerated_pct, at_least_rows=20, leave_out={}) %}
select
    count(*) as row_count,
    sum(case when coalesce({{ expression }}, false) then 0 else 1 end) as bad_rows
from {{ model }}
{%- for known in leave_out.values() %}
{{ "where" if loop.first else "and" }} {{ known.column }} not in (
    select {{ known.field }} from {{ known.of }}
    where {{ known.field }} is not null and {{ known.where or "true" }}
)
{%- endfor %}
having
    sum(case when coalesce({{ expression }}, false) then 0 else 1 end) * 100 > {{ tolerated_pct }} * count(*)
    and count(*) >= {{ at_least_rows }}
{% endtest %}
