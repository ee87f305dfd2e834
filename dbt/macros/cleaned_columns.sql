{#
    The columns of a source table, cleaned, as name to expression. `of` is what stands before a column's name: a batch
    row has its columns at hand, an event in a part of `data`. docs/cleaning.md says what each step touched.
#}
{% macro cleaned_columns(table, of='') -%}
    {%- set columns = {
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
        'sellers': {
            'seller_id': identifier(of ~ 'seller_id'),
            'seller_zip_code_prefix': zip_prefix(of ~ 'seller_zip_code_prefix'),
            'seller_city': city(of ~ 'seller_city'),
            'seller_state': state(of ~ 'seller_state'),
        },
    } -%}
    {{ return(columns[table]) }}
{%- endmacro %}
