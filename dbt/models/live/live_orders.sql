{{ config(alias='orders') }}

{{ live_rows('orders', staged_columns('orders')) }}
