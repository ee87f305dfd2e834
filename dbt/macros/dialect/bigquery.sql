{# How BigQuery writes it: the leaves of macros/dialect.sql, and how a model becomes a table. #}

{# NUMERIC has nine digits; a type with parameters is for columns only. #}
{% macro bigquery__decimal(value, digits) -%}
    {{ return("round(cast(" ~ value ~ " as numeric), " ~ digits ~ ")") }}
{%- endmacro %}

{# NUMERIC has 29 digits before the point. #}
{% macro bigquery__decimal_if_it_fits(value) -%}
    {{ return(decimal(value, 0)) }}
{%- endmacro %}

{#
    BigQuery divides NUMERIC to nine decimals and rounds the last: without the remainder there is nothing to round.
    div() would do as well, but the emulator of the tests knows it for INT64 only; so it is with `/`.
#}
{% macro bigquery__integer_division(dividend, divisor) -%}
    {%- set rest = "mod(" ~ dividend ~ ", " ~ divisor ~ ")" -%}
    {{ return("round(safe_divide((" ~ dividend ~ ") - " ~ rest ~ ", " ~ divisor ~ "))") }}
{%- endmacro %}

{# In brackets: the emulator of the tests writes `//` between the two as they are. #}
{% macro bigquery__mean_of(sum, count) -%}
    {{ return("div((" ~ sum ~ "), nullif(" ~ count ~ ", 0))") }}
{%- endmacro %}

{% macro bigquery__wide(value) -%}
    {{ return("cast(" ~ value ~ " as numeric)") }}
{%- endmacro %}

{% macro bigquery__exact_sum(value) -%}
    {{ return("sum(" ~ wide(value) ~ ")") }}
{%- endmacro %}

{% macro bigquery__nth_smallest(value, n) -%}
    {{ return("array_agg(" ~ value ~ " order by " ~ value ~ ")[safe_offset(" ~ n ~ " - 1)]") }}
{%- endmacro %}

{% macro bigquery__quotient(dividend, divisor) -%}
    {{ return("safe_divide(cast(" ~ dividend ~ " as float64), cast(" ~ divisor ~ " as float64))") }}
{%- endmacro %}

{# NUMERIC would round to nine digits first, and those then to eight. #}
{% macro bigquery__degrees(value) -%}
    {{ return("cast(round(" ~ value ~ " * 100000000) as numeric) * cast(0.00000001 as numeric)") }}
{%- endmacro %}

{% macro bigquery__regexp_replace_all(text, pattern, replacement) -%}
    {{ return("regexp_replace(" ~ text ~ ", r'" ~ pattern ~ "', '" ~ replacement ~ "')") }}
{%- endmacro %}

{% macro bigquery__regexp_matches(text, pattern) -%}
    {{ return("regexp_contains(" ~ text ~ ", r'" ~ pattern ~ "')") }}
{%- endmacro %}

{% macro bigquery__strip_accents(text) -%}
    {{ return("regexp_replace(normalize(" ~ text ~ ", NFD), r'\\pM', '')") }}
{%- endmacro %}

{% macro bigquery__row_as_json(alias) -%}
    {{ return("to_json_string(" ~ alias ~ ")") }}
{%- endmacro %}

{% macro bigquery__microseconds_between(earlier, later) -%}
    {{ return("datetime_diff(" ~ later ~ ", " ~ earlier ~ ", microsecond)") }}
{%- endmacro %}

{% macro bigquery__seconds_between(earlier, later) -%}
    {{ return("datetime_diff(" ~ later ~ ", " ~ earlier ~ ", second)") }}
{%- endmacro %}

{% macro bigquery__midnight_after(day) -%}
    {{ return("cast(date_add(" ~ day ~ ", interval 1 day) as datetime)") }}
{%- endmacro %}

{% macro bigquery__days_between(earlier, later) -%}
    {{ return("date_diff(" ~ later ~ ", " ~ earlier ~ ", day)") }}
{%- endmacro %}

{% macro bigquery__days_before(date, days) -%}
    {{ return("date_sub(" ~ date ~ ", interval " ~ days ~ " day)") }}
{%- endmacro %}

{% macro bigquery__period_start(grain, date) -%}
    {%- set day = "cast(" ~ date ~ " as date)" -%}
    {%- if grain == 'day' -%}
        {{ return(day) }}
    {%- elif grain == 'week' -%}
        {{ return("date_sub(" ~ day ~ ", interval mod(extract(dayofweek from " ~ day ~ ") + 5, 7) day)") }}
    {%- endif -%}
    {{ return("date_trunc(" ~ day ~ ", " ~ grain ~ ")") }}
{%- endmacro %}

{% macro bigquery__months_between(earlier, later) -%}
    {{ return("date_diff(" ~ later ~ ", " ~ earlier ~ ", month)") }}
{%- endmacro %}

{% macro bigquery__days_from_to(first_day, last_day, relation) -%}
    select date_day
    from {{ relation }}, unnest(generate_date_array({{ first_day }}, {{ last_day }})) as date_day
{%- endmacro %}

{% macro bigquery__iso_day_of_week(date) -%}
    {{ return("(mod(extract(dayofweek from " ~ date ~ ") + 5, 7) + 1)") }}
{%- endmacro %}

{% macro bigquery__tomorrow(zone) -%}
    {{ return("datetime_add(datetime(current_timestamp(), '" ~ zone ~ "'), interval 1 day)") }}
{%- endmacro %}

{% macro bigquery__utc_text(time) -%}
    {{ return("format_timestamp('%Y-%m-%dT%H:%M:%E6S', " ~ time ~ ", 'UTC')") }}
{%- endmacro %}

{% macro bigquery__utc_time(text) -%}
    {{ return("cast(" ~ text ~ " || '+00' as timestamp)") }}
{%- endmacro %}

{% macro bigquery__business_time_as_utc_text(time, zone) -%}
    {{ return(utc_text("timestamp(" ~ time ~ ", '" ~ zone ~ "')")) }}
{%- endmacro %}

{% macro bigquery__long_before(recorded, time) -%}
    {{ return(recorded ~ " < timestamp_sub(timestamp(" ~ time ~ "), interval 14 hour)") }}
{%- endmacro %}

{# A clustered table takes no ordered query, and is in the order of its clusters. #}
{% macro bigquery__stored_by(columns) -%}
{%- endmacro %}

{# There is no ASOF join. #}
{% macro bigquery__as_of(requests, keys, history, columns) -%}
    {{ as_of_by_running_maxima(requests, keys, history, columns, 'int64') }}
{%- endmacro %}

{% macro bigquery__carried_part(part) -%}
    {{ return("data." ~ part) }}
{%- endmacro %}

{% macro bigquery__field_of(record, part, column) -%}
    {{ return(record ~ "." ~ column) }}
{%- endmacro %}

{% macro bigquery__named_field_of(record, part, column) -%}
    {{ return(record ~ "." ~ column) }}
{%- endmacro %}

{% macro bigquery__newest_value(column, version) -%}
    {{ return("max_by(" ~ column ~ ", if(" ~ column ~ " is null, null, " ~ version ~ "))") }}
{%- endmacro %}

{% macro bigquery__exploded(relation, list) -%}
    {{ return("select part, version from " ~ relation ~ ", unnest(" ~ list ~ ") as part") }}
{%- endmacro %}

{% macro bigquery__first_element(list) -%}
    {{ return(list ~ "[safe_offset(0)]") }}
{%- endmacro %}

{% macro bigquery__runs_a_cte_once() -%}
    {{ return(false) }}
{%- endmacro %}

{% macro bigquery__except_distinct() -%}
    {{ return("except distinct") }}
{%- endmacro %}

{% macro bigquery__schema_being_built(name) -%}
    {{ return(target.schema) }}
{%- endmacro %}

{% macro bigquery__published(name, schema) -%}
    {{ return("`" ~ target.project ~ "`." ~ env_var('ARMAZEM_DBT_BIGQUERY_PREFIX', '') ~ schema ~ "." ~ name) }}
{%- endmacro %}

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
        {%- set first_and_last -%}
    select
        cast(min(old_rows.{{ partition.field }}) as string) as first_time,
        cast(max(old_rows.{{ partition.field }}) as string) as last_time
    from {{ target }} as old_rows
    inner join {{ source }} as new_rows
        on
            {%- for key in keys %}
            {{ "and " if not loop.first }}old_rows.{{ key }} = new_rows.{{ key }}
            {%- endfor %}
        {%- endset -%}
        {%- set bounds = run_query(first_and_last).rows[0] -%}
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
