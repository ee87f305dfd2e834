with parts as (
    {{ parts_of('marketplace', orders=ref('fact_orders')) }}
),

{{ feature_history() }} {#- makes final #}

select * from final
{{ stored_by('feature_timestamp') }}
