{#
    Exact arithmetic. A float in a sum depends on the order of the rows; integers and decimals do not,
    so the same rows give the same table on every database, whichever way they came in.
#}

{% macro cents(amount) -%}
    cast(({{ amount }}) * 100 as {{ dbt.type_bigint() }})
{%- endmacro %}

{# The value as a decimal of so many digits, half a unit of the last one rounded away from zero. #}
{% macro decimal(value, digits=2) -%}
    {{ return(adapter.dispatch('decimal')(value, digits)) }}
{%- endmacro %}

{% macro duckdb__decimal(value, digits) -%}
    {{ return("cast(" ~ value ~ " as decimal(18, " ~ digits ~ "))") }}
{%- endmacro %}

{# NUMERIC has nine digits; a type with parameters is for columns only. #}
{% macro bigquery__decimal(value, digits) -%}
    {{ return("round(cast(" ~ value ~ " as numeric), " ~ digits ~ ")") }}
{%- endmacro %}

{# A whole number as a decimal; null where the database has no room for its digits. #}
{% macro decimal_if_it_fits(value) -%}
    {{ return(adapter.dispatch('decimal_if_it_fits')(value)) }}
{%- endmacro %}

{% macro duckdb__decimal_if_it_fits(value) -%}
    {{ return("try_cast(" ~ value ~ " as decimal(18, 0))") }}
{%- endmacro %}

{# NUMERIC has 29 digits before the point. #}
{% macro bigquery__decimal_if_it_fits(value) -%}
    {{ return(decimal(value, 0)) }}
{%- endmacro %}

{# Cents as an amount. #}
{% macro money_of(cents) -%}
    {{ return(decimal(decimal(cents, 0) ~ " * " ~ decimal("0.01", 2))) }}
{%- endmacro %}

{# Integer division of two non-negative integers, wide enough for a product of two amounts in cents. #}
{% macro integer_division(dividend, divisor) -%}
    {{ return(adapter.dispatch('integer_division')(dividend, divisor)) }}
{%- endmacro %}

{% macro duckdb__integer_division(dividend, divisor) -%}
    {{ return("((" ~ dividend ~ ") // (" ~ divisor ~ "))") }}
{%- endmacro %}

{#
    BigQuery divides NUMERIC to nine decimals and rounds the last: without the remainder there is nothing to round.
    div() would do as well, but the emulator of the tests knows it for INT64 only; so it is with `/`.
#}
{% macro bigquery__integer_division(dividend, divisor) -%}
    {%- set rest = "mod(" ~ dividend ~ ", " ~ divisor ~ ")" -%}
    {{ return("round(safe_divide((" ~ dividend ~ ") - " ~ rest ~ ", " ~ divisor ~ "))") }}
{%- endmacro %}

{# An integer wide enough to multiply two amounts in cents without overflow. #}
{% macro wide(value) -%}
    {{ return(adapter.dispatch('wide')(value)) }}
{%- endmacro %}

{% macro duckdb__wide(value) -%}
    {{ return("cast(" ~ value ~ " as hugeint)") }}
{%- endmacro %}

{% macro bigquery__wide(value) -%}
    {{ return("cast(" ~ value ~ " as numeric)") }}
{%- endmacro %}

{#
    numerator / divisor of two integers, rounded half away from zero to `digits` decimals, as a decimal.
    Null where the divisor is 0 or one of them is null, or, on DuckDB, where it has more than 18 digits: a
    month that sold 10^16 times what the one before did.
#}
{% macro ratio(numerator, divisor, digits=2) -%}
    {%- set scale = 10 ** digits -%}
    {%- set size = "abs(" ~ wide(divisor) ~ ")" -%}
    {%- set doubled = "2 * " ~ scale ~ " * abs(" ~ wide(numerator) ~ ") + " ~ size -%}
    {%- set whole = integer_division(doubled, "nullif(2 * " ~ size ~ ", 0)") -%}
    {%- set unit = decimal('%.*f' | format(digits, 1 / scale), digits) -%}
    {{ decimal("sign(" ~ numerator ~ ") * sign(" ~ divisor ~ ") * " ~ decimal_if_it_fits(whole) ~ " * " ~ unit, digits) }}
{%- endmacro %}

{# 100 × (part / whole), two decimals. #}
{% macro percentage(part, whole) -%}
    {{ ratio("100 * " ~ wide(part), whole) }}
{%- endmacro %}

{# An amount divided by a count, to the cent. #}
{% macro money_per(amount, count) -%}
    {{ ratio(cents(amount), "100 * (" ~ count ~ ")") }}
{%- endmacro %}

{# 100 × (now - before) / before of two integers, two decimals. #}
{% macro growth(now, before) -%}
    {{ percentage("(" ~ now ~ ") - (" ~ before ~ ")", before) }}
{%- endmacro %}

{% macro growth_of_money(now, before) -%}
    {{ growth(cents(now), cents(before)) }}
{%- endmacro %}

{# Degrees, a float, as a decimal of eight digits, rounded once. #}
{% macro degrees(value) -%}
    {{ return(adapter.dispatch('degrees')(value)) }}
{%- endmacro %}

{% macro duckdb__degrees(value) -%}
    {{ return("cast(" ~ value ~ " as decimal(18, 8))") }}
{%- endmacro %}

{# NUMERIC would round to nine digits first, and those then to eight. #}
{% macro bigquery__degrees(value) -%}
    {{ return("cast(round(" ~ value ~ " * 100000000) as numeric) * cast(0.00000001 as numeric)") }}
{%- endmacro %}

{# Degrees with eight decimals as an integer. #}
{% macro degrees_as_integer(degrees) -%}
    cast(({{ degrees }}) * 100000000 as {{ dbt.type_bigint() }})
{%- endmacro %}

{# Sum of integers that cannot overflow. #}
{% macro exact_sum(value) -%}
    {{ return(adapter.dispatch('exact_sum')(value)) }}
{%- endmacro %}

{% macro duckdb__exact_sum(value) -%}
    {{ return("sum(" ~ value ~ ")") }}
{%- endmacro %}

{% macro bigquery__exact_sum(value) -%}
    {{ return("sum(" ~ wide(value) ~ ")") }}
{%- endmacro %}

{# A division of floats of 64 bits: for comparisons only, never for a sum of money. #}
{% macro quotient(dividend, divisor) -%}
    {{ return(adapter.dispatch('quotient')(dividend, divisor)) }}
{%- endmacro %}

{% macro duckdb__quotient(dividend, divisor) -%}
    {{ return("cast(" ~ dividend ~ " as double) / " ~ divisor) }}
{%- endmacro %}

{% macro bigquery__quotient(dividend, divisor) -%}
    {{ return("safe_divide(cast(" ~ dividend ~ " as float64), cast(" ~ divisor ~ " as float64))") }}
{%- endmacro %}
