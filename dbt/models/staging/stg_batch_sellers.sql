{{ config(unique_key='seller_id', cluster_by='seller_id') }}
{{ newest_batch_rows('sellers') }}
