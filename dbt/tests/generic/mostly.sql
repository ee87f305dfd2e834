{#
    The expression is true on all but `tolerated_pct` percent of the rows. One bad row must not stop the
    good ones; a whole bad extract must.
#}
{% test mostly(model, expression, tolerated_pct, at_least_rows=20) %}
select
    count(*) as row_count,
    sum(case when coalesce({{ expression }}, false) then 0 else 1 end) as bad_rows
from {{ model }}
having
    sum(case when coalesce({{ expression }}, false) then 0 else 1 end) * 100 > {{ tolerated_pct }} * count(*)
    and count(*) >= {{ at_least_rows }}
{% endtest %}
