{{ config(alias='order_payments') }}

with {{ live_rows_to_merge('order_payments') }}, {#- makes batch, carried #}

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
        {# columns of order_payments, rendered by `make docs` #}
        order_id,
        payment_sequential,
        payment_type,
        payment_installments,
        payment_value
    {# end #}
    from {{ published('stg_order_payments') }}
    where order_id not in (select order_id from touched_since)
    union all
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
