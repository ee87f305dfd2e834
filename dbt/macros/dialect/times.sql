{# Naive business time: TIMESTAMP on DuckDB, DATETIME on BigQuery. #}

{% macro microseconds_between(earlier, later) -%}
    {{ return(adapter.dispatch('microseconds_between')(earlier, later)) }}
{%- endmacro %}

{% macro duckdb__microseconds_between(earlier, later) -%}
    {{ return("(epoch_us(" ~ later ~ ") - epoch_us(" ~ earlier ~ "))") }}
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

{# Whole months from one first-of-month to another. #}
{% macro months_between(earlier, later) -%}
    {{ return(adapter.dispatch('months_between')(earlier, later)) }}
{%- endmacro %}

{% macro duckdb__months_between(earlier, later) -%}
    {{ return("date_diff('month', " ~ earlier ~ ", " ~ later ~ ")") }}
{%- endmacro %}

{# Table expression of all days from one date to another, column date_day; none where one is null. #}
{% macro days_from_to(first_day, last_day, relation) -%}
    {{ return(adapter.dispatch('days_from_to')(first_day, last_day, relation)) }}
{%- endmacro %}

{% macro duckdb__days_from_to(first_day, last_day, relation) -%}
    select cast(unnest(generate_series({{ first_day }}, {{ last_day }}, interval 1 day)) as date) as date_day
    from {{ relation }}
{%- endmacro %}

{# 1 for Monday to 7 for Sunday. #}
{% macro iso_day_of_week(date) -%}
    {{ return(adapter.dispatch('iso_day_of_week')(date)) }}
{%- endmacro %}

{% macro duckdb__iso_day_of_week(date) -%}
    {{ return("isodow(" ~ date ~ ")") }}
{%- endmacro %}

{# This time tomorrow, as naive time: the latest purchase that a clock in another zone explains. #}
{% macro tomorrow() -%}
    {{ return(adapter.dispatch('tomorrow')()) }}
{%- endmacro %}

{% macro duckdb__tomorrow() -%}
    {{ return("(current_timestamp at time zone 'UTC' + interval 1 day)") }}
{%- endmacro %}
