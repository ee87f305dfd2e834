{{ config(cluster_by='entity_id') }}

with parts as (
    select
        order_id,
        seller_state || '-' || customer_state as entity_id,
        sum({{ cents('price') }}) as gmv_cents
    from {{ ref('fact_sales') }}
    group by order_id, seller_state, customer_state
),

{{ feature_history() }} {#- makes final #}

select * from final
order by entity_id, feature_timestamp
