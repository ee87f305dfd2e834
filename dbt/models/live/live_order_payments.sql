{{ config(alias='order_payments') }}

{{ live_rows('order_payments', staged_columns('order_payments')) }}
