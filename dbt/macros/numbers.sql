{#
    Exact arithmetic. A float in a sum depends on the order of the rows; integers and decimals do not,
    so the same rows give the same table on every database, whichever way they came in.
#}

{# An amount in cents, as an integer. #}
{% macro cents(amount) -%}
    cast(({{ amount }}) * 100 as {{ dbt.type_bigint() }})
{%- endmacro %}

{# Cents as an amount. #}
{% macro money_of(cents) -%}
    {{ return(decimal(decimal(cents, 0) ~ " * " ~ decimal("0.01", 2))) }}
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

{# The same of two amounts. #}
{% macro growth_of_money(now, before) -%}
    {{ growth(cents(now), cents(before)) }}
{%- endmacro %}

{# Microseconds as days with two decimals; `count` divides a sum of microseconds into a mean. #}
{% macro days(microseconds, count="1") -%}
    {{ ratio(microseconds, "86400000000 * " ~ wide(count)) }}
{%- endmacro %}

{# Degrees with eight decimals as an integer. #}
{% macro degrees_as_integer(degrees) -%}
    cast(({{ degrees }}) * 100000000 as {{ dbt.type_bigint() }})
{%- endmacro %}
