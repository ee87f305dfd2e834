{# Text functions whose names differ between the databases. Patterns are RE2 on both. #}

{% macro regexp_replace_all(text, pattern, replacement) -%}
    {{ return(adapter.dispatch('regexp_replace_all')(text, pattern, replacement)) }}
{%- endmacro %}

{% macro duckdb__regexp_replace_all(text, pattern, replacement) -%}
    {{ return("regexp_replace(" ~ text ~ ", '" ~ pattern ~ "', '" ~ replacement ~ "', 'g')") }}
{%- endmacro %}

{% macro bigquery__regexp_replace_all(text, pattern, replacement) -%}
    {{ return("regexp_replace(" ~ text ~ ", r'" ~ pattern ~ "', '" ~ replacement ~ "')") }}
{%- endmacro %}

{% macro regexp_matches(text, pattern) -%}
    {{ return(adapter.dispatch('regexp_matches')(text, pattern)) }}
{%- endmacro %}

{% macro duckdb__regexp_matches(text, pattern) -%}
    {{ return("regexp_matches(" ~ text ~ ", '" ~ pattern ~ "')") }}
{%- endmacro %}

{% macro bigquery__regexp_matches(text, pattern) -%}
    {{ return("regexp_contains(" ~ text ~ ", r'" ~ pattern ~ "')") }}
{%- endmacro %}

{% macro strip_accents(text) -%}
    {{ return(adapter.dispatch('strip_accents')(text)) }}
{%- endmacro %}

{% macro duckdb__strip_accents(text) -%}
    {{ return("strip_accents(" ~ text ~ ")") }}
{%- endmacro %}

{% macro bigquery__strip_accents(text) -%}
    {{ return("regexp_replace(normalize(" ~ text ~ ", NFD), r'\\pM', '')") }}
{%- endmacro %}

{# A whole row as JSON text, for reading. #}
{% macro row_as_json(alias) -%}
    {{ return(adapter.dispatch('row_as_json')(alias)) }}
{%- endmacro %}

{% macro duckdb__row_as_json(alias) -%}
    {{ return("cast(to_json(" ~ alias ~ ") as varchar)") }}
{%- endmacro %}

{% macro bigquery__row_as_json(alias) -%}
    {{ return("to_json_string(" ~ alias ~ ")") }}
{%- endmacro %}
