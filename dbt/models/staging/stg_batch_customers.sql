{{ config(unique_key='customer_id', cluster_by='customer_id') }}
{{ newest_batch_rows('customers') }}
