with delivered as (
    select
        order_id,
        order_approved_at,
        order_delivered_carrier_date,
        order_delivered_customer_date,
        coalesce(is_late, false) as is_late,
        {{ microseconds_between('order_purchase_timestamp', 'order_delivered_customer_date') }} as delivery_time,
        {{ microseconds_between('order_approved_at', 'order_delivered_carrier_date') }} as handling_time,
        {{ microseconds_between('order_delivered_carrier_date', 'order_delivered_customer_date') }} as transit_time
    from {{ ref('fact_orders') }}
    where order_status = 'delivered' and order_delivered_customer_date is not null
),

sellers as (
    select * from {{ ref('dim_sellers') }}
),

-- An order of several items of one seller is one delivery of that seller.
order_sellers as (
    select distinct
        order_id,
        seller_id
    from {{ ref('fact_sales') }}
),

deliveries as (
    select
        order_sellers.seller_id,
        delivered.delivery_time,
        delivered.handling_time,
        delivered.transit_time,
        delivered.is_late,
        row_number() over (
            partition by order_sellers.seller_id order by delivered.delivery_time, delivered.order_id
        ) as delivery_rank,
        count(*) over (partition by order_sellers.seller_id) as delivery_count
    from delivered
    inner join order_sellers on delivered.order_id = order_sellers.order_id
),

-- A percentile of n rows lies at rank 1 + share × (n - 1), between two rows: their difference is interpolated,
-- in tenths, so that everything stays an integer.
positioned as (
    select
        *,
        1 + {{ integer_division(wide('5 * (delivery_count - 1)'), 10) }} as median_rank,
        mod(5 * (delivery_count - 1), 10) as median_rest,
        1 + {{ integer_division(wide('9 * (delivery_count - 1)'), 10) }} as p90_rank,
        mod(9 * (delivery_count - 1), 10) as p90_rest
    from deliveries
),

weighted as (
    select
        *,
        case delivery_rank - median_rank when 0 then 10 - median_rest when 1 then median_rest else 0 end
            as median_weight,
        case delivery_rank - p90_rank when 0 then 10 - p90_rest when 1 then p90_rest else 0 end as p90_weight
    from positioned
),

per_seller as (
    select
        seller_id,
        count(*) as delivered_orders,
        {{ exact_sum('delivery_time') }} as delivery_time,
        {{ exact_sum('handling_time') }} as handling_time,
        count(handling_time) as handled_orders,
        {{ exact_sum('transit_time') }} as transit_time,
        count(transit_time) as carried_orders,
        sum(case when is_late then 1 else 0 end) as late_orders,
        {{ exact_sum('delivery_time * median_weight') }} as median_tenths,
        {{ exact_sum('delivery_time * p90_weight') }} as p90_tenths
    from weighted
    group by seller_id
),

marketplace as (
    select
        {{ exact_sum('delivery_time') }} as delivery_time,
        count(*) as delivered_orders
    from delivered
),

-- Only sellers with enough deliveries say what is usual, and only they can be outliers.
usual as (
    select
        seller_id,
        {{ quotient('delivery_time', 'delivered_orders') }} as average,
        row_number() over (order by {{ quotient('delivery_time', 'delivered_orders') }}) as average_rank,
        count(*) over () as sellers
    from per_seller
    where delivered_orders >= 5
),

quarters as (
    select
        *,
        average_rank - (1 + {{ integer_division(wide('sellers - 1'), 4) }}) as after_q1,
        mod(sellers - 1, 4) as q1_rest,
        average_rank - (1 + {{ integer_division(wide('3 * (sellers - 1)'), 4) }}) as after_q3,
        mod(3 * (sellers - 1), 4) as q3_rest
    from usual
),

quartiles as (
    select
        sum(average * (case after_q1 when 0 then 4 - q1_rest when 1 then q1_rest else 0 end)) * 0.25 as q1,
        sum(average * (case after_q3 when 0 then 4 - q3_rest when 1 then q3_rest else 0 end)) * 0.25 as q3
    from quarters
),

outliers as (
    select usual.seller_id
    from usual
    cross join quartiles
    where usual.average > quartiles.q3 + 1.5 * (quartiles.q3 - quartiles.q1)
),

final as (
    select
        per_seller.seller_id,
        sellers.seller_city,
        sellers.seller_state,
        per_seller.delivered_orders,
        {{ days('per_seller.delivery_time', 'per_seller.delivered_orders') }} as avg_days_to_deliver,
        {{ days('per_seller.median_tenths', '10') }} as median_days_to_deliver,
        {{ days('per_seller.p90_tenths', '10') }} as p90_days_to_deliver,
        {{ days('per_seller.handling_time', 'per_seller.handled_orders') }} as avg_handling_days,
        {{ days('per_seller.transit_time', 'per_seller.carried_orders') }} as avg_transit_days,
        cast(per_seller.late_orders as {{ dbt.type_bigint() }}) as late_orders,
        {{ percentage('per_seller.late_orders', 'per_seller.delivered_orders') }} as late_rate_pct,
        {{ days('marketplace.delivery_time', 'marketplace.delivered_orders') }} as marketplace_avg_days,
        outliers.seller_id is not null as is_outlier
    from per_seller
    cross join marketplace
    left join sellers on per_seller.seller_id = sellers.seller_id
    left join outliers on per_seller.seller_id = outliers.seller_id
)

select * from final
