{{ config(cluster_by='entity_id') }}

with parts as (
    {{ parts_of('lane', sales=ref('fact_sales')) }}
),

{{ feature_history() }} {#- makes final #}

select * from final
{{ stored_by('entity_id, feature_timestamp') }}
