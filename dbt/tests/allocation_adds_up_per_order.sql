-- The items of an order carry exactly what was paid for the order.
with allocated as (
    select
        order_id,
        sum(payment_value) as payment_value
    from {{ ref('fact_sales') }}
    group by order_id
)

select
    orders.order_id,
    orders.revenue,
    allocated.payment_value
from {{ ref('fact_orders') }} as orders
left join allocated on orders.order_id = allocated.order_id
where
    orders.items > 0
    and orders.revenue is distinct from allocated.payment_value
