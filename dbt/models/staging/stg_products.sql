{{ config(unique_key='product_id', cluster_by='product_id') }}

{{ newest_values('products') }}
