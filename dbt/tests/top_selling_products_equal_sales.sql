-- What is shown of a product equals its sales: over all time, and month by month.
with sales as (
    select
        product_id,
        price,
        payment_value,
        {{ period_start('month', 'order_purchase_timestamp') }} as month
    from {{ ref('fact_sales') }}
    where is_valid_sale
),

expected as (
    select
        'all' as grain,
        cast(null as date) as period_start,
        product_id,
        count(*) as units,
        sum(price) as gmv,
        sum(payment_value) as revenue
    from sales
    group by product_id
    union all
    select
        'month' as grain,
        month as period_start,
        product_id,
        count(*) as units,
        sum(price) as gmv,
        sum(payment_value) as revenue
    from sales
    group by month, product_id
),

shown as (
    select * from {{ ref('agg_top_selling_products') }}
    where grain in ('all', 'month')
)

select
    shown.grain,
    shown.period_start,
    shown.product_id,
    shown.revenue,
    expected.revenue as expected_revenue
from shown
left join expected
    on
        shown.grain = expected.grain
        and shown.product_id = expected.product_id
        and coalesce(shown.period_start, date '1900-01-01') = coalesce(expected.period_start, date '1900-01-01')
where
    expected.product_id is null
    or shown.units != expected.units
    or shown.gmv != expected.gmv
    or shown.revenue != expected.revenue
