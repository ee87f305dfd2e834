{#
    The table of this name as the build before left it, or nothing where there is none.
    Not a ref: it is the state that this build starts from, not one of its results.
#}
{% macro published_before(name, schema='marts') -%}
    {%- if execute and not flags.FULL_REFRESH -%}
        {%- set relation = api.Relation.create(
            database=target.database, schema=schema_being_built(schema), identifier=name
        ) -%}
        {{ return(load_relation(relation)) }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}
