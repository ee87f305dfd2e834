with items as (
    select * from {{ ref('stg_order_items') }}
    where order_id in (select order_id from {{ ref('int_changed_orders') }})
),

orders as (
    select * from {{ ref('fact_orders') }}
),

allocation as (
    select * from {{ ref('int_payment_allocation') }}
),

sellers as (
    select * from {{ ref('stg_sellers') }}
),

final as (
    select
        items.order_id,
        items.order_item_id,
        items.product_id,
        items.seller_id,
        orders.customer_id,
        orders.customer_unique_id,
        orders.order_purchase_timestamp,
        orders.order_delivered_customer_date as order_delivered_timestamp,
        orders.days_to_deliver,
        orders.order_status,
        orders.is_valid_sale,
        orders.main_payment_type as payment_type,
        orders.installments as payment_installments,
        items.price,
        items.freight_value,
        allocation.payment_value,
        orders.customer_city,
        orders.customer_state,
        sellers.seller_city,
        sellers.seller_state
    from items
    inner join orders on items.order_id = orders.order_id
    inner join allocation
        on
            items.order_id = allocation.order_id
            and items.order_item_id = allocation.order_item_id
    left join sellers on items.seller_id = sellers.seller_id
)

select * from final
