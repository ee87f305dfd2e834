-- What is shown of a product equals its sales of that period, in every grain.
{%- set grains = ['day', 'week', 'month', 'year', 'all'] %}

with sales as (
    select
        product_id,
        price,
        payment_value,
        cast(order_purchase_timestamp as date) as date_day
    from {{ ref('fact_sales') }}
    where is_valid_sale
),

expected as (
    {%- for grain in grains %}
    select
        '{{ grain }}' as grain,
        {% if grain == 'all' %}date '1900-01-01'{% else %}{{ period_start(grain, 'date_day') }}{% endif %}
            as period_start,
        product_id,
        count(*) as units,
        sum(price) as gmv,
        sum(payment_value) as revenue
    from sales
    group by 1, 2, 3
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

shown as (
    select * from {{ ref('agg_top_selling_products') }}
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
        and coalesce(shown.period_start, date '1900-01-01') = expected.period_start
where
    expected.product_id is null
    or shown.units != expected.units
    or shown.gmv != expected.gmv
    or shown.revenue != expected.revenue
