{#
    The table of this name in schema `marts` as the build before left it, or nothing where there is none.
    Not a ref: it is the state that this build starts from, not one of its results.
#}
{% macro published_before(name) -%}
    {%- if execute and not flags.FULL_REFRESH -%}
        {{ return(load_relation(api.Relation.create(database=target.database, schema='marts', identifier=name))) }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}
