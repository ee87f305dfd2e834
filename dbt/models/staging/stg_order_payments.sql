{{ config(
    unique_key=['order_id', 'payment_sequential'],
    cluster_by='order_id'
) }}

with {{ rows_to_merge('order_payments') }}, {#- makes batch, carried #}

cleaned as (
    select
        {# cleaned columns of order_payments, rendered by `make docs` #}
        {{ identifier('order_id') }} as order_id,
        payment_sequential,
        payment_type,
        payment_installments,
        payment_value,
        {# end #}
        version
    from carried
),

{{ merged('order_payments') }}, {#- makes newest #}

final as (
    select
        {# staged columns of order_payments, rendered by `make docs` #}
        order_id,
        payment_sequential,
        payment_type,
        greatest(coalesce(payment_installments, 1), 1) as payment_installments,
        payment_value
    {# end #}
    from newest
)

select * from final
