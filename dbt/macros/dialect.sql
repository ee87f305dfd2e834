{#
    What databases write differently: each macro here hands on to its leaf for the database of the target, such as
    duckdb__newest_value in dialect/duckdb.sql. A new database is one more file of leaves.

    Arguments are SQL expressions unless said otherwise, and a macro returns one. Business time is a time without zone.
#}

{# ---- Numbers. ---- #}

{# `value` as a decimal of `digits` digits after the point (an integer), rounded half away from zero. #}
{% macro decimal(value, digits=2) -%}
    {{ return(adapter.dispatch('decimal')(value, digits)) }}
{%- endmacro %}

{# The whole number `value` as a decimal; null where a decimal has no room for its digits. #}
{% macro decimal_if_it_fits(value) -%}
    {{ return(adapter.dispatch('decimal_if_it_fits')(value)) }}
{%- endmacro %}

{# The whole part of `dividend` / `divisor`, two integers of at least zero that may be products of two amounts in cents. #}
{% macro integer_division(dividend, divisor) -%}
    {{ return(adapter.dispatch('integer_division')(dividend, divisor)) }}
{%- endmacro %}

{#
    The whole part of `sum` / `count`, two integers of 64 bits, cut towards zero; null where `count` is zero. For seconds
    and counts, whose products have room there.
#}
{% macro mean_of(sum, count) -%}
    {{ return(adapter.dispatch('mean_of')(sum, count)) }}
{%- endmacro %}

{# `value` as an integer wide enough to multiply two amounts in cents. #}
{% macro wide(value) -%}
    {{ return(adapter.dispatch('wide')(value)) }}
{%- endmacro %}

{# The aggregate sum of the integers `value`, which cannot overflow. #}
{% macro exact_sum(value) -%}
    {{ return(adapter.dispatch('exact_sum')(value)) }}
{%- endmacro %}

{# The aggregate of the n-th smallest `value`; `n`, an aggregate too, is at least 1 and no more than there are values. #}
{% macro nth_smallest(value, n) -%}
    {{ return(adapter.dispatch('nth_smallest')(value, n)) }}
{%- endmacro %}

{# `dividend` / `divisor` as a float of 64 bits: for comparisons only, never for a sum of money. #}
{% macro quotient(dividend, divisor) -%}
    {{ return(adapter.dispatch('quotient')(dividend, divisor)) }}
{%- endmacro %}

{# `value`, degrees as a float, as a decimal of eight digits after the point, rounded once. #}
{% macro degrees(value) -%}
    {{ return(adapter.dispatch('degrees')(value)) }}
{%- endmacro %}

{# ---- Text. Patterns and replacements are texts without quotes; patterns are RE2. ---- #}

{# `text` with every match of `pattern` replaced by `replacement`. #}
{% macro regexp_replace_all(text, pattern, replacement) -%}
    {{ return(adapter.dispatch('regexp_replace_all')(text, pattern, replacement)) }}
{%- endmacro %}

{# Whether `pattern` matches somewhere in `text`. #}
{% macro regexp_matches(text, pattern) -%}
    {{ return(adapter.dispatch('regexp_matches')(text, pattern)) }}
{%- endmacro %}

{# `text` with letters that have accents replaced by those without. #}
{% macro strip_accents(text) -%}
    {{ return(adapter.dispatch('strip_accents')(text)) }}
{%- endmacro %}

{# The whole row of the table alias `alias` as JSON text, for reading. #}
{% macro row_as_json(alias) -%}
    {{ return(adapter.dispatch('row_as_json')(alias)) }}
{%- endmacro %}

{# ---- Times. ---- #}

{# The microseconds from `earlier` to `later`, two business times, as an integer. #}
{% macro microseconds_between(earlier, later) -%}
    {{ return(adapter.dispatch('microseconds_between')(earlier, later)) }}
{%- endmacro %}

{# The whole seconds from `earlier` to `later`, two business times, as an integer: both are cut to their second first. #}
{% macro seconds_between(earlier, later) -%}
    {{ return(adapter.dispatch('seconds_between')(earlier, later)) }}
{%- endmacro %}

{# The midnight, business time, that ends the day of `time`, a date or business time; there is none after the last one. #}
{% macro midnight_after(time) -%}
    {%- set day = "cast(" ~ time ~ " as date)" -%}
    {%- set day = "case when " ~ day ~ " > date '9999-12-30' then date '9999-12-30' else " ~ day ~ " end" -%}
    {{ return(adapter.dispatch('midnight_after')(day)) }}
{%- endmacro %}

{# The days from `earlier` to `later`, two dates, as an integer. #}
{% macro days_between(earlier, later) -%}
    {{ return(adapter.dispatch('days_between')(earlier, later)) }}
{%- endmacro %}

{# The day that lies `days`, a whole number, before `date`. #}
{% macro days_before(date, days) -%}
    {{ return(adapter.dispatch('days_before')(date, days)) }}
{%- endmacro %}

{# The first day, a date, of the day, week (from Monday), month or year (`grain`, a word) that `date` lies in. #}
{% macro period_start(grain, date) -%}
    {{ return(adapter.dispatch('period_start')(grain, date)) }}
{%- endmacro %}

{# The months from `earlier` to `later`, two first days of a month, as an integer. #}
{% macro months_between(earlier, later) -%}
    {{ return(adapter.dispatch('months_between')(earlier, later)) }}
{%- endmacro %}

{# A query of the days from `first_day` to `last_day`, columns of `relation`: date_day; no rows where one is null. #}
{% macro days_from_to(first_day, last_day, relation) -%}
    {{ return(adapter.dispatch('days_from_to')(first_day, last_day, relation)) }}
{%- endmacro %}

{# The day of the week of `date`: 1 for Monday to 7 for Sunday. #}
{% macro iso_day_of_week(date) -%}
    {{ return(adapter.dispatch('iso_day_of_week')(date)) }}
{%- endmacro %}

{# This time tomorrow in business time: the latest purchase that a clock in another zone explains. #}
{% macro tomorrow() -%}
    {{ return(adapter.dispatch('tomorrow')(business_time_zone())) }}
{%- endmacro %}

{# `time`, which has a zone, as text in UTC to the microsecond: it sorts as the times do. #}
{% macro utc_text(time) -%}
    {{ return(adapter.dispatch('utc_text')(time)) }}
{%- endmacro %}

{# Such a text as a time with a zone. #}
{% macro utc_time(text) -%}
    {{ return(adapter.dispatch('utc_time')(text)) }}
{%- endmacro %}

{# `time`, business time, as such a text. #}
{% macro business_time_as_utc_text(time) -%}
    {{ return(adapter.dispatch('business_time_as_utc_text')(time, business_time_zone())) }}
{%- endmacro %}

{# ---- Histories. ---- #}

{# The end of a model's query whose rows are to lie in the order of `columns`, for those who look up a few of them. #}
{% macro stored_by(columns) -%}
    {{ return(adapter.dispatch('stored_by')(columns)) }}
{%- endmacro %}

{#
    A query of each row of `requests` (words: `keys`, columns that it has, among them entity_id and day) with `columns` of
    `history` as they were at the midnight that begins `day`: of the last row of the entity whose feature_timestamp is not
    after it; 0 where there is none. Columns of the history never fall.
#}
{% macro as_of(requests, keys, history, columns) -%}
    {{ return(adapter.dispatch('as_of')(requests, keys, history, columns)) }}
{%- endmacro %}

{# Whether `recorded`, which has a zone, is before `time`, business time, in whatever zone: by 14 hours at least. #}
{% macro long_before(recorded, time) -%}
    {{ return(adapter.dispatch('long_before')(recorded, time)) }}
{%- endmacro %}

{# ---- Events: what they carry lies in their column `data`. ---- #}

{# The part `part`, a word, of what an event carries: a row of the source table of that name, or a list of rows. #}
{% macro carried_part(part) -%}
    {{ return(adapter.dispatch('carried_part')(part)) }}
{%- endmacro %}

{# The column `column` of `record`, which is such a row of `part`; both are words. #}
{% macro field_of(record, part, column) -%}
    {{ return(adapter.dispatch('field_of')(record, part, column)) }}
{%- endmacro %}

{# The same in a select list, under its own name. #}
{% macro named_field_of(record, part, column) -%}
    {{ return(adapter.dispatch('named_field_of')(record, part, column)) }}
{%- endmacro %}

{# The aggregate of `column` that goes with the greatest `version`; null is no value. #}
{% macro newest_value(column, version) -%}
    {{ return(adapter.dispatch('newest_value')(column, version)) }}
{%- endmacro %}

{# A query of one row per element of `list`, a column of `relation`: columns `part` and `version`. #}
{% macro exploded(relation, list) -%}
    {{ return(adapter.dispatch('exploded')(relation, list)) }}
{%- endmacro %}

{# The first element of `list`, null where it is empty. #}
{% macro first_element(list) -%}
    {{ return(adapter.dispatch('first_element')(list)) }}
{%- endmacro %}

{# Whether a CTE is run once, however often a query names it. #}
{% macro runs_a_cte_once() -%}
    {{ return(adapter.dispatch('runs_a_cte_once')()) }}
{%- endmacro %}

{# ---- Sets. ---- #}

{# The rows of the query before it that are not in the query after it, each once. #}
{% macro except_distinct() -%}
    {{ return(adapter.dispatch('except_distinct')()) }}
{%- endmacro %}

{# ---- Places. ---- #}

{# The schema in which a build makes what is published in the schema `name`, both words. #}
{% macro schema_being_built(name) -%}
    {{ return(adapter.dispatch('schema_being_built')(name)) }}
{%- endmacro %}

{# The published table `name` of a schema, both words, as readers name it. #}
{% macro published(name, schema='staging') -%}
    {{ return(adapter.dispatch('published')(name, schema)) }}
{%- endmacro %}
