{# Text functions whose names differ between the databases. Patterns are RE2 on both. #}

{% macro regexp_replace_all(text, pattern, replacement) -%}
    {{ return(adapter.dispatch('regexp_replace_all')(text, pattern, replacement)) }}
{%- endmacro %}

{% macro duckdb__regexp_replace_all(text, pattern, replacement) -%}
    {{ return("regexp_replace(" ~ text ~ ", '" ~ pattern ~ "', '" ~ replacement ~ "', 'g')") }}
{%- endmacro %}

{% macro regexp_matches(text, pattern) -%}
    {{ return(adapter.dispatch('regexp_matches')(text, pattern)) }}
{%- endmacro %}

{% macro duckdb__regexp_matches(text, pattern) -%}
    {{ return("regexp_matches(" ~ text ~ ", '" ~ pattern ~ "')") }}
{%- endmacro %}

{% macro strip_accents(text) -%}
    {{ return(adapter.dispatch('strip_accents')(text)) }}
{%- endmacro %}

{% macro duckdb__strip_accents(text) -%}
    {{ return("strip_accents(" ~ text ~ ")") }}
{%- endmacro %}

{# A whole row as JSON text, for reading. #}
{% macro row_as_json(alias) -%}
    {{ return(adapter.dispatch('row_as_json')(alias)) }}
{%- endmacro %}

{% macro duckdb__row_as_json(alias) -%}
    {{ return("cast(to_json(" ~ alias ~ ") as varchar)") }}
{%- endmacro %}
