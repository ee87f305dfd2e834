{{ config(alias='order_items') }}

{{ live_rows('order_items', staged_columns('order_items')) }}
