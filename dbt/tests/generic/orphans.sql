{# At most `tolerated_pct` percent of the rows point to a row of `to` that does not exist. #}
{% test orphans(model, column, to, field, tolerated_pct) %}
select
    count(*) as row_count,
    sum(case when parents.{{ field }} is null then 1 else 0 end) as orphan_rows
from {{ model }} as children
left join {{ to }} as parents on children.{{ column }} = parents.{{ field }}
having sum(case when parents.{{ field }} is null then 1 else 0 end) * 100 > {{ tolerated_pct }} * count(*)
{% endtest %}
