{#- Only the periods that changed orders are of, or were of, are ranked again: all of a period, or none of it. -#}
{%- set changed_periods = ref('int_changed_periods') -%}
{{ config(
    materialized='incremental',
    cluster_by=['grain', 'period_start'],
    pre_hook="{% if is_incremental() %}{{ delete_periods(this, ref('int_changed_periods')) }}{% endif %}"
) }}
{%- set grains = ['day', 'week', 'month', 'year', 'all'] -%}

with sales as (
    select
        order_id,
        product_id,
        price,
        payment_value,
        cast(order_purchase_timestamp as date) as date_day
    from {{ ref('fact_sales') }}
    where is_valid_sale
),

products as (
    select * from {{ ref('dim_products') }}
),

-- An order counts once per product and day, and it has one day: days add up to every longer period.
per_day as (
    select
        date_day,
        product_id,
        count(*) as units,
        count(distinct order_id) as orders,
        sum(price) as gmv,
        sum(payment_value) as revenue
    from sales
    group by date_day, product_id
),

per_period as (
    {%- for grain in grains %}
    select
        '{{ grain }}' as grain,
        {% if grain == 'all' %}cast(null as date){% else %}{{ period_start(grain, 'date_day') }}{% endif %}
            as period_start,
        product_id,
        sum(units) as units,
        sum(orders) as orders,
        sum(gmv) as gmv,
        sum(revenue) as revenue
    from per_day
    {%- if is_incremental() and grain != 'all' %}
    where {{ period_start(grain, 'date_day') }} in (
        select period_start from {{ changed_periods }}
        where grain = '{{ grain }}'
    )
    {%- endif %}
    group by 1, 2, 3
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

ranked as (
    select
        *,
        row_number() over (
            partition by grain, period_start order by units desc, revenue desc, product_id asc
        ) as units_rank,
        row_number() over (
            partition by grain, period_start order by revenue desc, units desc, product_id asc
        ) as revenue_rank
    from per_period
),

final as (
    select
        ranked.grain,
        ranked.period_start,
        ranked.product_id,
        {{ product_category('products') }} as product_category,
        cast(ranked.units as {{ dbt.type_bigint() }}) as units,
        cast(ranked.orders as {{ dbt.type_bigint() }}) as orders,
        {{ decimal('ranked.gmv') }} as gmv,
        {{ decimal('ranked.revenue') }} as revenue,
        ranked.units_rank,
        ranked.revenue_rank
    from ranked
    left join products on ranked.product_id = products.product_id
    where ranked.units_rank <= 100 or ranked.revenue_rank <= 100
)

select * from final
