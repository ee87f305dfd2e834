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

{# Of a source table: its columns, its key, whose first column also says which rows are computed together,
   and the columns that are required besides. #}
{% macro shape_of(table) -%}
    {{ return({
        'orders': {
            'columns': [
                'order_id', 'customer_id', 'order_status', 'order_purchase_timestamp', 'order_approved_at',
                'order_delivered_carrier_date', 'order_delivered_customer_date', 'order_estimated_delivery_date'
            ],
            'key': ['order_id'],
            'required': ['customer_id', 'order_status', 'order_purchase_timestamp'],
        },
        'order_items': {
            'columns': [
                'order_id', 'order_item_id', 'product_id', 'seller_id', 'shipping_limit_date', 'price', 'freight_value'
            ],
            'key': ['order_id', 'order_item_id'],
            'required': ['product_id', 'seller_id', 'price', 'freight_value'],
        },
        'order_payments': {
            'columns': [
                'order_id', 'payment_sequential', 'payment_type', 'payment_installments', 'payment_value'
            ],
            'key': ['order_id', 'payment_sequential'],
            'required': ['payment_type', 'payment_value'],
        },
        'order_reviews': {
            'columns': [
                'review_id', 'order_id', 'review_score', 'review_comment_title', 'review_comment_message',
                'review_creation_date', 'review_answer_timestamp'
            ],
            'key': ['review_id', 'order_id'],
            'required': ['review_score'],
        },
        'customers': {
            'columns': [
                'customer_id', 'customer_unique_id', 'customer_zip_code_prefix', 'customer_city', 'customer_state'
            ],
            'key': ['customer_id'],
            'required': ['customer_unique_id'],
        },
        'sellers': {
            'columns': [
                'seller_id', 'seller_zip_code_prefix', 'seller_city', 'seller_state'
            ],
            'key': ['seller_id'],
            'required': [],
        },
        'products': {
            'columns': [
                'product_id', 'product_category_name', 'product_name_length', 'product_description_length',
                'product_photos_qty', 'product_weight_g', 'product_length_cm', 'product_height_cm', 'product_width_cm'
            ],
            'key': ['product_id'],
            'required': [],
        },
        'geolocation': {
            'columns': [
                'geolocation_zip_code_prefix', 'geolocation_lat', 'geolocation_lng', 'geolocation_city',
                'geolocation_state'
            ],
            'key': [],
            'required': ['geolocation_zip_code_prefix', 'geolocation_lat', 'geolocation_lng'],
        },
        'product_category_name_translation': {
            'columns': [
                'product_category_name', 'product_category_name_english'
            ],
            'key': ['product_category_name'],
            'required': ['product_category_name_english'],
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

{# Of a part of an event: its columns with their types on Snowflake, where `data` has no types. #}
{% macro snowflake_types(part) -%}
    {{ return({
        'orders': {
            'order_id': 'varchar',
            'customer_id': 'varchar',
            'order_status': 'varchar',
            'order_purchase_timestamp': 'timestamp_ntz',
            'order_approved_at': 'timestamp_ntz',
            'order_delivered_carrier_date': 'timestamp_ntz',
            'order_delivered_customer_date': 'timestamp_ntz',
            'order_estimated_delivery_date': 'timestamp_ntz',
        },
        'order_reviews': {
            'review_id': 'varchar',
            'order_id': 'varchar',
            'review_score': 'number(38, 0)',
            'review_comment_title': 'varchar',
            'review_comment_message': 'varchar',
            'review_creation_date': 'timestamp_ntz',
            'review_answer_timestamp': 'timestamp_ntz',
        },
        'customers': {
            'customer_id': 'varchar',
            'customer_unique_id': 'varchar',
            'customer_zip_code_prefix': 'varchar',
            'customer_city': 'varchar',
            'customer_state': 'varchar',
        },
        'products': {
            'product_id': 'varchar',
            'product_category_name': 'varchar',
            'product_name_length': 'number(38, 0)',
            'product_description_length': 'number(38, 0)',
            'product_photos_qty': 'number(38, 0)',
            'product_weight_g': 'number(18, 3)',
            'product_length_cm': 'number(18, 3)',
            'product_height_cm': 'number(18, 3)',
            'product_width_cm': 'number(18, 3)',
        },
        'sellers': {
            'seller_id': 'varchar',
            'seller_zip_code_prefix': 'varchar',
            'seller_city': 'varchar',
            'seller_state': 'varchar',
        },
        'order_items': {
            'order_id': 'varchar',
            'order_item_id': 'number(38, 0)',
            'product_id': 'varchar',
            'seller_id': 'varchar',
            'shipping_limit_date': 'timestamp_ntz',
            'price': 'number(18, 2)',
            'freight_value': 'number(18, 2)',
        },
        'order_payments': {
            'order_id': 'varchar',
            'payment_sequential': 'number(38, 0)',
            'payment_type': 'varchar',
            'payment_installments': 'number(38, 0)',
            'payment_value': 'number(18, 2)',
        },
    }[part]) }}
{%- endmacro %}

{# The sums that features are ratios of. #}
{% macro accumulators() -%}
    {{ return([
        'sold', 'gmv_cents', 'handed', 'handling_s', 'delivered', 'total_s', 'resolved', 'late', 'reviews', 'score'
    ]) }}
{%- endmacro %}

{# What features are of. #}
{% macro feature_entities() -%}
    {{ return(['seller', 'lane', 'marketplace', 'product', 'customer']) }}
{%- endmacro %}

{# Days that features look back, besides all time. #}
{% macro feature_windows() -%}
    {{ return([30, 90]) }}
{%- endmacro %}
