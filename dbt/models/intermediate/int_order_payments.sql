with payments as (
    select * from {{ ref('stg_order_payments') }}
    where order_id in (select order_id from {{ ref('int_changed_orders') }})
),

by_type as (
    select
        order_id,
        payment_type,
        sum(payment_value) as payment_value,
        min(payment_sequential) as first_sequential,
        max(payment_installments) as payment_installments
    from payments
    group by order_id, payment_type
),

-- The main type is the one that paid most; of two that paid the same, the one that came first. What went back paid
-- nothing.
main_type as (
    select
        order_id,
        payment_type
    from by_type
    qualify row_number() over (
        partition by order_id
        order by
            case when payment_type = '{{ refund() }}' then 1 else 0 end asc,
            payment_value desc,
            first_sequential asc
    ) = 1
),

totals as (
    select
        order_id,
        sum(payment_value) as revenue,
        -sum(case when payment_type = '{{ refund() }}' then payment_value else 0 end) as refunded,
        max(payment_installments) as installments
    from by_type
    group by order_id
),

final as (
    select
        totals.order_id,
        totals.revenue,
        totals.refunded,
        totals.installments,
        main_type.payment_type as main_payment_type
    from totals
    inner join main_type on totals.order_id = main_type.order_id
)

select * from final
