{{ config(cluster_by='entity_id') }}

with history as (
    select * from {{ ref('feat_seller_daily') }}
),

{{ feature_vector() }} {#- makes final #}

select * from final
