{# Rendered from the contract by `make docs`. Change it there, not here. #}

{# The form of a UUID, as a regular expression of RE2. #}
{% macro uuid_pattern() -%}
    {{ return('[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}') }}
{%- endmacro %}

{# How an order may be paid. #}
{% macro payment_types() -%}
    {{ return(['credit_card', 'boleto', 'voucher', 'debit_card', 'not_defined', 'pix', 'refund']) }}
{%- endmacro %}

{# The type of a payment that went back. #}
{% macro refund() -%}
    {{ return('refund') }}
{%- endmacro %}

{# The stages of an order, the furthest last. #}
{% macro order_statuses() -%}
    {{ return(['created', 'approved', 'invoiced', 'processing', 'shipped', 'delivered', 'canceled', 'unavailable']) }}
{%- endmacro %}

{# The states of Brazil. #}
{% macro states() -%}
    {{ return([
        'AC', 'AL', 'AM', 'AP', 'BA', 'CE', 'DF', 'ES', 'GO', 'MA', 'MG', 'MS', 'MT', 'PA',
        'PB', 'PE', 'PI', 'PR', 'RJ', 'RN', 'RO', 'RR', 'RS', 'SC', 'SE', 'SP', 'TO'
    ]) }}
{%- endmacro %}
