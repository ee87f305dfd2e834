with sales as (
    select * from {{ ref('fact_sales') }}
    where is_valid_sale
),

sellers as (
    select * from {{ ref('dim_sellers') }}
),

per_seller as (
    select
        seller_id,
        count(distinct order_id) as orders,
        count(*) as units,
        sum(price) as gmv,
        sum(freight_value) as freight,
        sum(payment_value) as revenue,
        cast(min(order_purchase_timestamp) as date) as first_sale_date,
        cast(max(order_purchase_timestamp) as date) as last_sale_date
    from sales
    group by seller_id
),

per_product as (
    select
        seller_id,
        product_id,
        sum(payment_value) as revenue
    from sales
    group by seller_id, product_id
),

top_products as (
    select
        seller_id,
        product_id,
        revenue
    from per_product
    qualify row_number() over (partition by seller_id order by revenue desc, product_id asc) = 1
),

marketplace as (
    select sum(revenue) as revenue from per_seller
),

final as (
    select
        per_seller.seller_id,
        sellers.seller_city,
        sellers.seller_state,
        per_seller.orders,
        per_seller.units,
        {{ decimal('per_seller.gmv') }} as gmv,
        {{ decimal('per_seller.freight') }} as freight,
        {{ decimal('per_seller.revenue') }} as revenue,
        {{ percentage(cents('per_seller.revenue'), cents('marketplace.revenue')) }} as revenue_share_pct,
        row_number() over (order by per_seller.revenue desc, per_seller.seller_id asc) as revenue_rank,
        per_seller.first_sale_date,
        per_seller.last_sale_date,
        top_products.product_id as top_product_id,
        {{ decimal('top_products.revenue') }} as top_product_revenue
    from per_seller
    cross join marketplace
    inner join top_products on per_seller.seller_id = top_products.seller_id
    left join sellers on per_seller.seller_id = sellers.seller_id
)

select * from final
