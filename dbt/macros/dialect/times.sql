{# Naive business time: TIMESTAMP on DuckDB, DATETIME on BigQuery. #}

{% macro microseconds_between(earlier, later) -%}
    {{ return(adapter.dispatch('microseconds_between')(earlier, later)) }}
{%- endmacro %}

{% macro duckdb__microseconds_between(earlier, later) -%}
    {{ return("(epoch_us(" ~ later ~ ") - epoch_us(" ~ earlier ~ "))") }}
{%- endmacro %}

{% macro bigquery__microseconds_between(earlier, later) -%}
    {{ return("datetime_diff(" ~ later ~ ", " ~ earlier ~ ", microsecond)") }}
{%- endmacro %}

{# Microseconds as days with two decimals; `count` divides a sum of microseconds into a mean. #}
{% macro days(microseconds, count="1") -%}
    {{ ratio(microseconds, "86400000000 * " ~ wide(count)) }}
{%- endmacro %}

{# First day of the day, week (Monday), month or year that a date lies in. #}
{% macro period_start(grain, date) -%}
    {{ return(adapter.dispatch('period_start')(grain, date)) }}
{%- endmacro %}

{% macro duckdb__period_start(grain, date) -%}
    {{ return("cast(date_trunc('" ~ grain ~ "', " ~ date ~ ") as date)") }}
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

{# Whole months from one first-of-month to another. #}
{% macro months_between(earlier, later) -%}
    {{ return(adapter.dispatch('months_between')(earlier, later)) }}
{%- endmacro %}

{% macro duckdb__months_between(earlier, later) -%}
    {{ return("date_diff('month', " ~ earlier ~ ", " ~ later ~ ")") }}
{%- endmacro %}

{% macro bigquery__months_between(earlier, later) -%}
    {{ return("date_diff(" ~ later ~ ", " ~ earlier ~ ", month)") }}
{%- endmacro %}

{# Table expression of all days from one date to another, column date_day; none where one is null. #}
{% macro days_from_to(first_day, last_day, relation) -%}
    {{ return(adapter.dispatch('days_from_to')(first_day, last_day, relation)) }}
{%- endmacro %}

{% macro duckdb__days_from_to(first_day, last_day, relation) -%}
    select cast(unnest(generate_series({{ first_day }}, {{ last_day }}, interval 1 day)) as date) as date_day
    from {{ relation }}
{%- endmacro %}

{% macro bigquery__days_from_to(first_day, last_day, relation) -%}
    select date_day
    from {{ relation }}, unnest(generate_date_array({{ first_day }}, {{ last_day }})) as date_day
{%- endmacro %}

{# 1 for Monday to 7 for Sunday. #}
{% macro iso_day_of_week(date) -%}
    {{ return(adapter.dispatch('iso_day_of_week')(date)) }}
{%- endmacro %}

{% macro duckdb__iso_day_of_week(date) -%}
    {{ return("isodow(" ~ date ~ ")") }}
{%- endmacro %}

{% macro bigquery__iso_day_of_week(date) -%}
    {{ return("(mod(extract(dayofweek from " ~ date ~ ") + 5, 7) + 1)") }}
{%- endmacro %}

{# This time tomorrow in business time: the latest purchase that a clock in another zone explains. #}
{% macro tomorrow() -%}
    {{ return(adapter.dispatch('tomorrow')(business_time_zone())) }}
{%- endmacro %}

{% macro duckdb__tomorrow(zone) -%}
    {{ return("(current_timestamp at time zone '" ~ zone ~ "' + interval 1 day)") }}
{%- endmacro %}

{% macro bigquery__tomorrow(zone) -%}
    {{ return("datetime_add(datetime(current_timestamp(), '" ~ zone ~ "'), interval 1 day)") }}
{%- endmacro %}

{% macro business_time_zone() -%}
    {{ return(env_var('ARMAZEM_DBT_TIME_ZONE', 'America/Sao_Paulo')) }}
{%- endmacro %}
