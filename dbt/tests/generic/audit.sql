{#
    All that must hold of a model, as one query: every failing row, with the name of the check that it
    fails and whether that is an error or a warning. One query and not one per check, because BigQuery
    bills, and dbt takes its time, by the query. The test fails where an error is among the rows.

    key: columns that no two rows share and that are never null, save those in `nullable`.
    filled: columns that are never null.
    rules: name -> expression that is true on every row; null counts as a failure.
    exists: column -> {to, field}; each value, unless null, is a value of `field` in `to`.
    totals: name -> {totals, of, expected, where, of_where, by}; expressions over this model equal as many
        expressions over `of`, exactly; with `by`, for each value of that column of this model.
    sums: name -> {sum, by, of, equals}; the sum of a column over the rows that share `by` equals column `equals`
        of the one row of `of` with that value, exactly.
    warnings: {rules, exists}; the same, for what real data is known to have. A parent may be missing from
        `tolerated_pct` percent of the rows, or from a handful (10), before that is an error: of a cut file. Rows
        whose value is one of `awaited` {of, field} do not count for that: their parent is on its way.
#}
{% test audit(model, key=[], nullable=[], filled=[], rules={}, exists={}, totals={}, sums={}, warnings={}) %}
{{ config(error_if="!= 0 and sum(case when severity = 'error' then 1 else 0 end) != 0") }}
{%- set error = "'error'" -%}
{%- set warning = "'warn'" -%}
{%- set checks = [] -%}
{%- if key -%}
    {%- do checks.append(("key", error, failing_key(model, key, nullable))) -%}
{%- endif -%}
{%- for column in filled -%}
    {%- do checks.append((column ~ "_filled", error, "select * from " ~ model ~ " where " ~ column ~ " is null")) -%}
{%- endfor -%}
{%- for name, expression in rules.items() -%}
    {%- do checks.append((name, error, failing_rule(model, expression))) -%}
{%- endfor -%}
{%- for column, parent in exists.items() -%}
    {%- do checks.append((column ~ "_exists", error, failing_reference(model, column, parent.to, parent.field))) -%}
{%- endfor -%}
{%- for name, total in totals.items() -%}
    {%- do checks.append((name, error, failing_totals(model, total))) -%}
{%- endfor -%}
{%- for name, item in sums.items() -%}
    {%- do checks.append((name, error, failing_sums(model, item))) -%}
{%- endfor -%}
{%- for name, expression in (warnings.rules or {}).items() -%}
    {%- do checks.append((name, warning, failing_rule(model, expression))) -%}
{%- endfor -%}
{%- for column, parent in (warnings.exists or {}).items() -%}
    {%- set severity = too_many(model, parent.tolerated_pct) if parent.tolerated_pct else warning -%}
    {%- set orphans = failing_reference(model, column, parent.to, parent.field) -%}
    {%- if parent.awaited -%}
        {%- set awaited = awaited_values(column, parent.awaited) -%}
        {%- do checks.append((column ~ "_exists", warning, orphans ~ " and " ~ awaited)) -%}
        {%- set orphans = orphans ~ " and not " ~ awaited -%}
    {%- endif -%}
    {%- do checks.append((column ~ "_exists", severity, orphans)) -%}
{%- endfor -%}
{%- for name, severity, query in checks %}
select
    '{{ name }}' as failed_check,
    {{ severity }} as severity,
    {{ row_as_json('failing') }} as failing_row
from ({{ query }}) as failing
{{ "union all" if not loop.last }}
{%- endfor %}
{% endtest %}
