{{ config(
    unique_key=['order_id', 'payment_sequential'],
    cluster_by='order_id'
) }}

with source as (
    select * from {{ source('raw', 'order_payments') }}
    {{ taken_in(by_order=true) }}
),

cleaned as (
    select
        {{ identifier('order_id') }} as order_id,
        payment_sequential,
        payment_type,
        -- A payment is made in one instalment at least; two real rows say 0.
        greatest(coalesce(payment_installments, 1), 1) as payment_installments,
        payment_value,
        _load_id,
        _row
    from source
),

newest as (
    {{ newest_row('cleaned', ['order_id', 'payment_sequential']) }}
),

final as (
    select
        order_id,
        payment_sequential,
        payment_type,
        payment_installments,
        payment_value
    from newest
)

select * from final
