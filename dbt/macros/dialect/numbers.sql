{#
    Exact arithmetic. A float in a sum depends on the order of the rows; integers and decimals do not,
    so the same rows give the same table on every database, whichever way they came in.
#}

{% macro cents(amount) -%}
    cast(({{ amount }}) * 100 as {{ dbt.type_bigint() }})
{%- endmacro %}

{% macro decimal_type(digits=2) -%}
    {{ return(adapter.dispatch('decimal_type')(digits)) }}
{%- endmacro %}

{% macro duckdb__decimal_type(digits) -%}
    {{ return("decimal(18, " ~ digits ~ ")") }}
{%- endmacro %}

{# Integer division of two non-negative integers, wide enough for a product of two amounts in cents. #}
{% macro integer_division(dividend, divisor) -%}
    {{ return(adapter.dispatch('integer_division')(dividend, divisor)) }}
{%- endmacro %}

{% macro duckdb__integer_division(dividend, divisor) -%}
    {{ return("((" ~ dividend ~ ") // (" ~ divisor ~ "))") }}
{%- endmacro %}

{# An integer wide enough to multiply two amounts in cents without overflow. #}
{% macro wide(value) -%}
    {{ return(adapter.dispatch('wide')(value)) }}
{%- endmacro %}

{% macro duckdb__wide(value) -%}
    {{ return("cast(" ~ value ~ " as hugeint)") }}
{%- endmacro %}

{#
    numerator / divisor of two integers, rounded half away from zero to `digits` decimals, as a decimal.
    Null where the divisor is 0 or one of them is null. The divisor must not be negative.
#}
{% macro ratio(numerator, divisor, digits=2) -%}
    {%- set scale = 10 ** digits -%}
    {%- set doubled = "2 * " ~ scale ~ " * abs(" ~ wide(numerator) ~ ") + " ~ wide(divisor) -%}
    cast(
        sign({{ numerator }})
        * cast({{ integer_division(doubled, "nullif(2 * " ~ wide(divisor) ~ ", 0)") }} as {{ decimal_type(0) }})
        * cast({{ '%.*f' | format(digits, 1 / scale) }} as {{ decimal_type(digits) }})
        as {{ decimal_type(digits) }}
    )
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

{# A float of 64 bits; dbt's own type_float has 32 on DuckDB. For comparisons only, never for a sum of money. #}
{% macro double_type() -%}
    {{ return(adapter.dispatch('double_type')()) }}
{%- endmacro %}

{% macro duckdb__double_type() -%}
    {{ return("double") }}
{%- endmacro %}
