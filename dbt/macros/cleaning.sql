{# The cleaning steps that several sources share. docs/cleaning.md says what each one touched. #}

{# Identifiers are compared as they were sent; only what has the form of a UUID loses its dashes and capitals. #}
{% macro identifier(column) -%}
    case
        when {{ regexp_matches("trim(" ~ column ~ ")", "^(" ~ uuid_pattern() ~ ")$") }}
            then lower(replace(trim({{ column }}), '-', ''))
        else trim({{ column }})
    end
{%- endmacro %}

{% macro text(column) -%}
    nullif(trim({{ column }}), '')
{%- endmacro %}

{% macro state(column) -%}
    nullif(upper(trim({{ column }})), '')
{%- endmacro %}

{# Tools that read a zip prefix as a number lose its leading zeros, or write it as 1037.0 or 1037,00; a whole CEP has
   eight digits, and three zeros behind a dot belong to it. #}
{% macro zip_prefix(column) -%}
    {%- set digits = regexp_replace_all(column, '[.,]00? *$|[.,]0000+ *$|[^0-9]', '') -%}
    case
        when length({{ digits }}) = 0 then null
        when length({{ digits }}) <= 5 then lpad({{ digits }}, 5, '0')
        else substr(lpad({{ digits }}, 8, '0'), 1, 5)
    end
{%- endmacro %}

{# One spelling per city: no accents, no state or country behind it; what is no city at all is null. #}
{% macro city(column) -%}
    {%- set states = states() | join('|') | lower -%}
    {#- chr(39) is the apostrophe: no way to write it in quotes is the same in every dialect. -#}
    {%- set plain = "lower(" ~ strip_accents(column) ~ ")" -%}
    {%- set plain = "replace(replace(replace(" ~ plain ~ ", '´', chr(39)), '`', chr(39)), '’', chr(39))" -%}
    {#- (?s): what follows may have line breaks. -#}
    {%- set place = regexp_replace_all(plain, '(?s)([/\\\\,(]| - ).*$', '') -%}
    {%- set place = regexp_replace_all("trim(" ~ place ~ ")", '-(' ~ states ~ ')$', '') -%}
    {%- set place = "trim(" ~ regexp_replace_all(place, '[ \\t\\n]+', ' ') ~ ")" -%}
    case
        when {{ regexp_matches(column, '@|^[0-9 ]*$') }} then null
        else nullif({{ place }}, '')
    end
{%- endmacro %}

{# What the KPIs call a product's category: in English, or in Portuguese where there is no translation. #}
{% macro product_category(products) -%}
    coalesce({{ products }}.product_category_name_english, {{ products }}.product_category_name, 'uncategorized')
{%- endmacro %}
