-- No order is lost or counted twice, and every cent of items and payments of known orders is in the facts.
with facts as (
    select
        count(*) as orders,
        coalesce(sum(items), 0) as items,
        coalesce(sum(gmv), 0) as gmv,
        coalesce(sum(freight), 0) as freight,
        coalesce(sum(revenue), 0) as revenue
    from {{ ref('fact_orders') }}
),

orders as (
    select count(*) as orders from {{ ref('stg_orders') }}
),

items as (
    select
        count(*) as items,
        coalesce(sum(price), 0) as gmv,
        coalesce(sum(freight_value), 0) as freight
    from {{ ref('stg_order_items') }}
    where order_id in (select order_id from {{ ref('stg_orders') }})
),

payments as (
    select coalesce(sum(payment_value), 0) as revenue
    from {{ ref('stg_order_payments') }}
    where order_id in (select order_id from {{ ref('stg_orders') }})
)

select *
from facts
cross join orders
cross join items
cross join payments
where
    facts.orders != orders.orders
    or facts.items != items.items
    or facts.gmv != items.gmv
    or facts.freight != items.freight
    or facts.revenue != payments.revenue
