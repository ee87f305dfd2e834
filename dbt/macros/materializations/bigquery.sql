{#
    The views of `live` name published tables, which the first build has yet to make: armazem makes them, of their
    compiled SQL, when it has published.
#}
{% materialization view, adapter='bigquery' %}
    {%- do store_raw_result('main', message='left to the publication', code='VIEW', rows_affected='0') -%}
    {{ return({'relations': []}) }}
{% endmaterialization %}

{#
    dbt-bigquery's merge, kept to the partitions that hold rows to be replaced: BigQuery bills what a merge
    scans, and only literals prune. Which partitions those are is asked first, of the keys alone. A row whose
    date is null lies in a partition of its own, which is always looked at.
#}
{% macro bigquery__get_merge_sql(target, source, unique_key, dest_columns, incremental_predicates) -%}
    {%- set predicates = incremental_predicates or [] -%}
    {%- set partition = config.get('partition_by') -%}
    {%- if unique_key and partition -%}
        {%- set keys = [unique_key] if unique_key is string else unique_key -%}
        {%- set bounds = run_query(partitions_to_replace(target, source, keys, partition.field)).rows[0] -%}
        {%- set date = "DBT_INTERNAL_DEST." ~ partition.field -%}
        {%- if bounds[0] -%}
            {%- set within = date ~ " between datetime '" ~ bounds[0] ~ "' and datetime '" ~ bounds[1] ~ "'" -%}
            {%- set predicates = predicates + ["(" ~ within ~ " or " ~ date ~ " is null)"] -%}
        {%- else -%}
            {%- set predicates = predicates + [date ~ " is null"] -%}
        {%- endif -%}
    {%- endif -%}
    {{ return(default__get_merge_sql(target, source, unique_key, dest_columns, predicates)) }}
{%- endmacro %}

{# The first and the last time among the rows of `target` that have the keys of `source`, as text. #}
{% macro partitions_to_replace(target, source, keys, field) -%}
    select
        cast(min(old_rows.{{ field }}) as string) as first_time,
        cast(max(old_rows.{{ field }}) as string) as last_time
    from {{ target }} as old_rows
    inner join {{ source }} as new_rows
        on
            {%- for key in keys %}
            {{ "and " if not loop.first }}old_rows.{{ key }} = new_rows.{{ key }}
            {%- endfor %}
{%- endmacro %}
