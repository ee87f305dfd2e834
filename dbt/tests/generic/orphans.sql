{#
    At most `tolerated_pct` percent of the rows point to a row of `to` that does not exist. A handful, up to
    `tolerated_rows`, is none of a cut file, however small the shop.
#}
{% test orphans(model, column, to, field, tolerated_pct, tolerated_rows=10) %}
select
    count(*) as row_count,
    sum(case when parents.{{ field }} is null then 1 else 0 end) as orphan_rows
from {{ model }} as children
left join {{ to }} as parents on children.{{ column }} = parents.{{ field }}
having
    sum(case when parents.{{ field }} is null then 1 else 0 end) * 100 > {{ tolerated_pct }} * count(*)
    and sum(case when parents.{{ field }} is null then 1 else 0 end) > {{ tolerated_rows }}
{% endtest %}
