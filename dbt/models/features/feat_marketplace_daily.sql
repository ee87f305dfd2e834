with parts as (
    select
        order_id,
        'all' as entity_id,
        {{ cents('gmv') }} as gmv_cents
    from {{ ref('fact_orders') }}
),

{{ feature_history() }} {#- makes final #}

select * from final
order by feature_timestamp
