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

{# Whether an order of this status is a valid sale. #}
{% macro valid_sale(status) -%}
    {{ return(status ~ " not in ('canceled', 'unavailable')") }}
{%- endmacro %}

{# The states of Brazil. #}
{% macro states() -%}
    {{ return([
        'AC', 'AL', 'AM', 'AP', 'BA', 'CE', 'DF', 'ES', 'GO', 'MA', 'MG', 'MS', 'MT', 'PA',
        'PB', 'PE', 'PI', 'PR', 'RJ', 'RN', 'RO', 'RR', 'RS', 'SC', 'SE', 'SP', 'TO'
    ]) }}
{%- endmacro %}

{# Of a source table: its key, whose first column also says which rows are computed together, and what a
   row needs besides. #}
{% macro shape_of(table) -%}
    {{ return({
        'orders': {
            'key': ['order_id'],
            'needs': ['customer_id', 'order_status', 'order_purchase_timestamp'],
        },
        'order_items': {
            'key': ['order_id', 'order_item_id'],
            'needs': ['product_id', 'seller_id', 'price', 'freight_value'],
        },
        'order_payments': {
            'key': ['order_id', 'payment_sequential'],
            'needs': ['payment_type', 'payment_value'],
        },
        'order_reviews': {
            'key': ['review_id', 'order_id'],
            'needs': ['review_score'],
        },
        'customers': {
            'key': ['customer_id'],
            'needs': ['customer_unique_id'],
        },
        'sellers': {
            'key': ['seller_id'],
            'needs': [],
        },
        'products': {
            'key': ['product_id'],
            'needs': [],
        },
        'geolocation': {
            'key': [],
            'needs': ['geolocation_zip_code_prefix', 'geolocation_lat', 'geolocation_lng'],
        },
        'product_category_name_translation': {
            'key': ['product_category_name'],
            'needs': ['product_category_name_english'],
        },
    }[table]) }}
{%- endmacro %}

{# The columns of a source table, cleaned, as name to expression. `of` is what stands before a column's
   name: a batch row has its columns at hand, an event in a part of `data`. docs/cleaning.md says what
   each step touched. #}
{% macro cleaned_columns(table, of='') -%}
    {{ return({
        'orders': {
            'order_id': identifier(of ~ 'order_id'),
            'customer_id': identifier(of ~ 'customer_id'),
            'order_status': of ~ 'order_status',
            'order_purchase_timestamp': of ~ 'order_purchase_timestamp',
            'order_approved_at': of ~ 'order_approved_at',
            'order_delivered_carrier_date': of ~ 'order_delivered_carrier_date',
            'order_delivered_customer_date': of ~ 'order_delivered_customer_date',
            'order_estimated_delivery_date': of ~ 'order_estimated_delivery_date',
        },
        'order_items': {
            'order_id': identifier(of ~ 'order_id'),
            'order_item_id': of ~ 'order_item_id',
            'product_id': identifier(of ~ 'product_id'),
            'seller_id': identifier(of ~ 'seller_id'),
            'shipping_limit_date': of ~ 'shipping_limit_date',
            'price': of ~ 'price',
            'freight_value': of ~ 'freight_value',
        },
        'order_payments': {
            'order_id': identifier(of ~ 'order_id'),
            'payment_sequential': of ~ 'payment_sequential',
            'payment_type': of ~ 'payment_type',
            'payment_installments': of ~ 'payment_installments',
            'payment_value': of ~ 'payment_value',
        },
        'order_reviews': {
            'review_id': identifier(of ~ 'review_id'),
            'order_id': identifier(of ~ 'order_id'),
            'review_score': of ~ 'review_score',
            'review_comment_title': text(of ~ 'review_comment_title'),
            'review_comment_message': text(of ~ 'review_comment_message'),
            'review_creation_date': of ~ 'review_creation_date',
            'review_answer_timestamp': of ~ 'review_answer_timestamp',
        },
        'customers': {
            'customer_id': identifier(of ~ 'customer_id'),
            'customer_unique_id': identifier(of ~ 'customer_unique_id'),
            'customer_zip_code_prefix': zip_prefix(of ~ 'customer_zip_code_prefix'),
            'customer_city': city(of ~ 'customer_city'),
            'customer_state': state(of ~ 'customer_state'),
        },
        'sellers': {
            'seller_id': identifier(of ~ 'seller_id'),
            'seller_zip_code_prefix': zip_prefix(of ~ 'seller_zip_code_prefix'),
            'seller_city': city(of ~ 'seller_city'),
            'seller_state': state(of ~ 'seller_state'),
        },
        'products': {
            'product_id': identifier(of ~ 'product_id'),
            'product_category_name': text(of ~ 'product_category_name'),
            'product_name_length': of ~ 'product_name_length',
            'product_description_length': of ~ 'product_description_length',
            'product_photos_qty': of ~ 'product_photos_qty',
            'product_weight_g': of ~ 'product_weight_g',
            'product_length_cm': of ~ 'product_length_cm',
            'product_height_cm': of ~ 'product_height_cm',
            'product_width_cm': of ~ 'product_width_cm',
        },
        'geolocation': {
            'geolocation_zip_code_prefix': zip_prefix(of ~ 'geolocation_zip_code_prefix'),
            'geolocation_lat': degrees(of ~ 'geolocation_lat'),
            'geolocation_lng': degrees(of ~ 'geolocation_lng'),
            'geolocation_city': city(of ~ 'geolocation_city'),
            'geolocation_state': state(of ~ 'geolocation_state'),
        },
        'product_category_name_translation': {
            'product_category_name': text(of ~ 'product_category_name'),
            'product_category_name_english': text(of ~ 'product_category_name_english'),
        },
    }[table]) }}
{%- endmacro %}

{# The source tables whose rows belong to an order. #}
{% macro tables_of_orders() -%}
    {{ return(['orders', 'order_items', 'order_payments', 'order_reviews']) }}
{%- endmacro %}

{# The source tables whose rows come as a list in the `data` of an event. #}
{% macro repeated_parts() -%}
    {{ return(['order_items', 'order_payments']) }}
{%- endmacro %}

{# The parts that tell the order of an event: one of each type of event that has an order. #}
{% macro parts_with_order() -%}
    {{ return(['orders', 'order_reviews', 'order_payments']) }}
{%- endmacro %}

{# The types of events that carry a part. #}
{% macro event_types_of(part) -%}
    {{ return({
        'orders': ['order_initiated', 'order_status_update'],
        'order_reviews': ['order_review'],
        'customers': ['customer_update'],
        'products': ['product_update'],
        'sellers': ['seller_update'],
        'order_items': ['order_initiated'],
        'order_payments': ['order_initiated', 'order_payment'],
    }[part]) }}
{%- endmacro %}
