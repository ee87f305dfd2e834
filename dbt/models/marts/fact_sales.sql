{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='order_id') }}

with final as (
    select * from {{ ref('audit_fact_sales') }}
)

select * from final
