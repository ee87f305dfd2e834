{#
    How Snowflake writes it: the leaves of macros/dialect.sql. Experimental: see docs/snowflake.md for what was tried, and
    what was not. A backslash in a text of Snowflake is written twice.
#}

{% macro snowflake__decimal(value, digits) -%}
    {{ return("cast(" ~ value ~ " as number(18, " ~ digits ~ "))") }}
{%- endmacro %}

{# Null from 19 digits on, as on DuckDB. try_cast() takes texts only, so the value is looked at first. #}
{% macro snowflake__decimal_if_it_fits(value) -%}
    {%- set fits = "abs(" ~ value ~ ") < 1000000000000000000" -%}
    {{ return("cast(case when " ~ fits ~ " then " ~ value ~ " end as number(18, 0))") }}
{%- endmacro %}

{# A quotient of numbers has six digits after the point: without the remainder they are zeros. #}
{% macro snowflake__integer_division(dividend, divisor) -%}
    {%- set rest = "mod(" ~ dividend ~ ", " ~ divisor ~ ")" -%}
    {{ return("cast(((" ~ dividend ~ ") - " ~ rest ~ ") / (" ~ divisor ~ ") as number(38, 0))") }}
{%- endmacro %}

{# A remainder has the sign of the dividend: what is left of it is cut towards zero. #}
{% macro snowflake__mean_of(sum, count) -%}
    {{ return(integer_division(sum, "nullif(" ~ count ~ ", 0)")) }}
{%- endmacro %}

{% macro snowflake__wide(value) -%}
    {{ return("cast(" ~ value ~ " as number(38, 0))") }}
{%- endmacro %}

{% macro snowflake__exact_sum(value) -%}
    {{ return("sum(" ~ wide(value) ~ ")") }}
{%- endmacro %}

{# For whole numbers: an element of an array has no type. #}
{% macro snowflake__nth_smallest(value, n) -%}
    {%- set sorted = "array_agg(" ~ value ~ ") within group (order by " ~ value ~ ")" -%}
    {{ return("cast(get(" ~ sorted ~ ", " ~ n ~ " - 1) as number(38, 0))") }}
{%- endmacro %}

{% macro snowflake__quotient(dividend, divisor) -%}
    {{ return("cast(" ~ dividend ~ " as float) / nullif(cast(" ~ divisor ~ " as float), 0)") }}
{%- endmacro %}

{% macro snowflake__degrees(value) -%}
    {{ return("cast(" ~ value ~ " as number(18, 8))") }}
{%- endmacro %}

{# A pattern takes no flags, so that a dot that is to match line breaks is written out. #}
{% macro snowflake__regexp_replace_all(text, pattern, replacement) -%}
    {%- if pattern.startswith('(?s)') -%}
        {%- set pattern = pattern[4:] | replace('.*', '(.|\\n)*') -%}
    {%- endif -%}
    {%- set pattern = pattern | replace('\\', '\\\\') -%}
    {{ return("regexp_replace(" ~ text ~ ", '" ~ pattern ~ "', '" ~ replacement ~ "')") }}
{%- endmacro %}

{# regexp_like() would ask whether all of the text matches. #}
{% macro snowflake__regexp_matches(text, pattern) -%}
    {{ return("regexp_instr(" ~ text ~ ", '" ~ pattern | replace('\\', '\\\\') ~ "') > 0") }}
{%- endmacro %}

{#
    There is no function for it: the letters of Latin-1 and Latin Extended-A that are an ASCII letter with a mark, which are
    those of Portuguese and of most of Europe; and the marks alone, which go. Others stay as they are.
#}
{% macro snowflake__strip_accents(text) -%}
    {%- set letters -%}
    ÀÁÂÃÄÅÇÈÉÊËÌÍÎÏÑÒÓÔÕÖÙÚÛÜÝàáâãäåçèéêëìíîïñòóôõöùúûüýÿĀāĂăĄąĆćĈĉĊċČčĎďĒēĔĕĖėĘęĚěĜĝĞğĠġĢģĤĥĨĩĪī
    {%- endset -%}
    {%- set plain -%}
    AAAAAACEEEEIIIINOOOOOUUUUYaaaaaaceeeeiiiinooooouuuuyyAaAaAaCcCcCcCcDdEeEeEeEeEeGgGgGgGgHhIiIi
    {%- endset -%}
    {%- set more_letters -%}
    ĬĭĮįİĴĵĶķĹĺĻļĽľŃńŅņŇňŌōŎŏŐőŔŕŖŗŘřŚśŜŝŞşŠšŢţŤťŨũŪūŬŭŮůŰűŲųŴŵŶŷŸŹźŻżŽž
    {%- endset -%}
    {%- set more_plain -%}
    IiIiIJjKkLlLlLlNnNnNnOoOoOoRrRrRrSsSsSsSsTtTtUuUuUuUuUuUuWwYyYZzZzZz
    {%- endset -%}
    {#- Grave, acute, circumflex, tilde, macron, breve, dot, diaeresis, ring, double acute, caron, cedilla, ogonek. -#}
    {%- set marks = '\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0327\u0328' -%}
    {{ return("translate(" ~ text ~ ", '" ~ letters ~ more_letters ~ marks ~ "', '" ~ plain ~ more_plain ~ "')") }}
{%- endmacro %}

{# Without the columns that are null. #}
{% macro snowflake__row_as_json(alias) -%}
    {{ return("to_json(object_construct(" ~ alias ~ ".*))") }}
{%- endmacro %}

{% macro snowflake__microseconds_between(earlier, later) -%}
    {{ return("datediff(microsecond, " ~ earlier ~ ", " ~ later ~ ")") }}
{%- endmacro %}

{% macro snowflake__seconds_between(earlier, later) -%}
    {{ return("datediff(second, " ~ earlier ~ ", " ~ later ~ ")") }}
{%- endmacro %}

{% macro snowflake__midnight_after(day) -%}
    {{ return("cast(dateadd(day, 1, " ~ day ~ ") as timestamp_ntz)") }}
{%- endmacro %}

{% macro snowflake__days_between(earlier, later) -%}
    {{ return("datediff(day, " ~ earlier ~ ", " ~ later ~ ")") }}
{%- endmacro %}

{% macro snowflake__days_before(date, days) -%}
    {{ return("dateadd(day, -" ~ days ~ ", " ~ date ~ ")") }}
{%- endmacro %}

{# On which day a week begins is a setting of the session for date_trunc(), and not for dayofweekiso(). #}
{% macro snowflake__period_start(grain, date) -%}
    {%- set day = "cast(" ~ date ~ " as date)" -%}
    {%- if grain == 'day' -%}
        {{ return(day) }}
    {%- elif grain == 'week' -%}
        {{ return("dateadd(day, 1 - dayofweekiso(" ~ day ~ "), " ~ day ~ ")") }}
    {%- endif -%}
    {{ return("cast(date_trunc('" ~ grain ~ "', " ~ day ~ ") as date)") }}
{%- endmacro %}

{% macro snowflake__months_between(earlier, later) -%}
    {{ return("datediff(month, " ~ earlier ~ ", " ~ later ~ ")") }}
{%- endmacro %}

{% macro snowflake__days_from_to(first_day, last_day, relation) -%}
    select cast(dateadd(day, cast(numbers.value as integer), {{ first_day }}) as date) as date_day
    from
        {{ relation }},
        lateral flatten(
            input => array_generate_range(0, datediff(day, {{ first_day }}, {{ last_day }}) + 1)
        ) as numbers
{%- endmacro %}

{% macro snowflake__iso_day_of_week(date) -%}
    {{ return("dayofweekiso(" ~ date ~ ")") }}
{%- endmacro %}

{# sysdate() is in UTC, whatever the session's time zone. #}
{% macro snowflake__tomorrow(zone) -%}
    {{ return("dateadd(day, 1, convert_timezone('UTC', '" ~ zone ~ "', sysdate()))") }}
{%- endmacro %}

{% macro snowflake__utc_text(time) -%}
    {{ return("to_char(convert_timezone('UTC', " ~ time ~ "), 'YYYY-MM-DD\"T\"HH24:MI:SS.FF6')") }}
{%- endmacro %}

{% macro snowflake__utc_time(text) -%}
    {{ return("to_timestamp_tz(" ~ text ~ " || '+00:00', 'YYYY-MM-DD\"T\"HH24:MI:SS.FF6TZH:TZM')") }}
{%- endmacro %}

{% macro snowflake__business_time_as_utc_text(time, zone) -%}
    {%- set in_utc = "convert_timezone('" ~ zone ~ "', 'UTC', " ~ time ~ ")" -%}
    {{ return("to_char(" ~ in_utc ~ ", 'YYYY-MM-DD\"T\"HH24:MI:SS.FF6')") }}
{%- endmacro %}

{% macro snowflake__long_before(recorded, time) -%}
    {%- set in_utc = "cast(convert_timezone('UTC', " ~ recorded ~ ") as timestamp_ntz)" -%}
    {{ return(in_utc ~ " < dateadd(hour, -14, " ~ time ~ ")") }}
{%- endmacro %}

{# dbt-snowflake writes a table in the order of its `cluster_by`. #}
{% macro snowflake__stored_by(columns) -%}
{%- endmacro %}

{# There is an ASOF join; fakesnow, on which all of this is tried, has none. #}
{% macro snowflake__as_of(requests, keys, history, columns) -%}
    {{ as_of_by_running_maxima(requests, keys, history, columns, 'number(38, 0)') }}
{%- endmacro %}

{# `data` is a VARIANT: a path leads into it, and what is there has no type. Names in a path are as they were sent. #}
{% macro snowflake__carried_part(part) -%}
    {{ return("data:" ~ part) }}
{%- endmacro %}

{# With its type: a null of JSON becomes null by it. #}
{% macro snowflake__field_of(record, part, column) -%}
    {{ return("cast(" ~ record ~ ":" ~ column ~ " as " ~ snowflake_types(part)[column] ~ ")") }}
{%- endmacro %}

{% macro snowflake__named_field_of(record, part, column) -%}
    {{ return(field_of(record, part, column) ~ " as " ~ column) }}
{%- endmacro %}

{# max_by() would take a null along. #}
{% macro snowflake__newest_value(column, version) -%}
    {{ return("max_by(" ~ column ~ ", case when " ~ column ~ " is not null then " ~ version ~ " end)") }}
{%- endmacro %}

{% macro snowflake__exploded(relation, list) -%}
    {%- set elements = "lateral flatten(input => " ~ list ~ ") as elements" -%}
    {{ return("select elements.value as part, version from " ~ relation ~ ", " ~ elements) }}
{%- endmacro %}

{% macro snowflake__first_element(list) -%}
    {{ return(list ~ "[0]") }}
{%- endmacro %}

{# Sometimes, as it sees fit. #}
{% macro snowflake__runs_a_cte_once() -%}
    {{ return(false) }}
{%- endmacro %}

{% macro snowflake__except_distinct() -%}
    {{ return("except") }}
{%- endmacro %}

{% macro snowflake__schema_being_built(name) -%}
    {{ return(name) }}
{%- endmacro %}

{# Without the database: a view then reads the tables beside it, also in a clone of its database. #}
{% macro snowflake__published(name, schema) -%}
    {{ return(schema ~ "." ~ name) }}
{%- endmacro %}
