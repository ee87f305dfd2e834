{# None of the columns is null. One scan for all of them. #}
{% test filled(model, columns) %}
select *
from {{ model }}
where
    {%- for column in columns %}
    {{ "or " if not loop.first }}{{ column }} is null
    {%- endfor %}
{% endtest %}
