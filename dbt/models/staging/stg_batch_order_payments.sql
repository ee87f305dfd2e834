{{ config(
    unique_key=['order_id', 'payment_sequential'],
    cluster_by='order_id'
) }}

with source as (
    select * from {{ source('raw', 'order_payments') }}
    {{ incremental_filter(by_order=true) }}
),

cleaned as (
    select
        {# cleaned columns of order_payments, rendered by `make docs` #}
        {{ identifier('order_id') }} as order_id,
        payment_sequential,
        payment_type,
        payment_installments,
        payment_value,
        {# end #}
        _load_id,
        _row
    from source
),

{{ newest_batch_rows('order_payments') }}, {#- makes newest #}

final as (
    select
        {# columns of order_payments, rendered by `make docs` #}
        order_id,
        payment_sequential,
        payment_type,
        payment_installments,
        payment_value,
        {# end #}
        version,
        _load_id
    from newest
)

select * from final
