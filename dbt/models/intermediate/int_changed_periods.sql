{{ config(materialized='table') }}
{#- Named here, so that dbt sees the dependencies when it parses. -#}
{%- set products = ref('dim_products') -%}
{%- set top_before = published_before('agg_top_selling_products', schema='kpis') -%}

with changed_orders as (
    select * from {{ ref('int_changed_orders') }}
),

-- The days that changed orders are of, and those that they were of before.
days as (
    select cast(orders.order_purchase_timestamp as date) as date_day
    from {{ ref('fact_orders') }} as orders
    inner join changed_orders on orders.order_id = changed_orders.order_id
    union distinct
    select date_before as date_day from changed_orders
    where date_before is not null
),

periods as (
    {%- for grain in ['day', 'week', 'month', 'year'] %}
    select
        '{{ grain }}' as grain,
        {{ period_start(grain, 'date_day') }} as period_start
    from days
    union distinct
    {%- endfor %}
    select
        'all' as grain,
        cast(null as date) as period_start
),

{% if top_before %}
-- A product that has another category now shows it in every period that it is in.
recategorized as (
    select
        shown.grain,
        shown.period_start
    from {{ top_before }} as shown
    left join {{ products }} as products on shown.product_id = products.product_id
    where shown.product_category != {{ product_category('products') }}
),

{% endif -%}
final as (
    select * from periods
    {%- if top_before %}
    union distinct
    select * from recategorized
    {%- endif %}
)

select * from final
