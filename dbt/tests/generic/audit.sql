{#
    All that must hold of a model, as one query: every failing row, with the name of the check that it
    fails. One query and not one per check, because BigQuery bills, and dbt takes its time, by the query.

    key: columns that no two rows share and that are never null, save those in `nullable`.
    filled: columns that are never null.
    rules: name -> expression that is true on every row; null counts as a failure.
    exists: column -> {to, field}; each value, unless null, is a value of `field` in `to`.
    totals: name -> {totals, of, expected, where, of_where, by}; expressions over this model equal as many
        expressions over `of`, exactly; with `by`, for each value of that column of this model.
    sums: name -> {sum, by, of, equals}; the sum of a column over the rows that share `by` equals column `equals`
        of the one row of `of` with that value, exactly.
#}
{% test audit(model, key=[], nullable=[], filled=[], rules={}, exists={}, totals={}, sums={}) %}
{%- set checks = [] -%}
{%- if key -%}
    {%- do checks.append(("key", failing_key(model, key, nullable))) -%}
{%- endif -%}
{%- for column in filled -%}
    {%- do checks.append((column ~ "_filled", "select * from " ~ model ~ " where " ~ column ~ " is null")) -%}
{%- endfor -%}
{%- for name, expression in rules.items() -%}
    {%- do checks.append((name, "select * from " ~ model ~ " where not coalesce(" ~ expression ~ ", false)")) -%}
{%- endfor -%}
{%- for column, parent in exists.items() -%}
    {%- do checks.append((column ~ "_exists", failing_reference(model, column, parent.to, parent.field))) -%}
{%- endfor -%}
{%- for name, total in totals.items() -%}
    {%- do checks.append((name, failing_totals(model, total))) -%}
{%- endfor -%}
{%- for name, item in sums.items() -%}
    {%- do checks.append((name, failing_sums(model, item))) -%}
{%- endfor -%}
{%- for name, query in checks %}
select
    '{{ name }}' as failed_check,
    {{ row_as_json('failing') }} as failing_row
from ({{ query }}) as failing
{{ "union all" if not loop.last }}
{%- endfor %}
{% endtest %}
