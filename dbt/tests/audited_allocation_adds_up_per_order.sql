-- The same before the rows enter fact_sales, so that wrong ones never do.
with allocated as (
    select
        order_id,
        sum(payment_value) as payment_value
    from {{ ref('audit_fact_sales') }}
    group by order_id
)

select
    orders.order_id,
    orders.revenue,
    allocated.payment_value
from {{ ref('fact_orders') }} as orders
inner join allocated on orders.order_id = allocated.order_id
where orders.revenue != allocated.payment_value
