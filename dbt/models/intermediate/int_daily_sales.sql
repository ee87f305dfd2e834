{{ config(materialized='table') }}
{#- The oldest miss that counts, the five weeks that its forecast is of, and one for a Black Friday in the first. -#}
{%- set spans = forecast_spans() -%}
{%- set oldest = spans.ahead * spans.backtests + spans.band - 1 + 35 + 7 -%}

with orders as (
    select
        customer_state,
        items,
        revenue,
        is_valid_sale,
        cast(order_purchase_timestamp as date) as date_day
    from {{ ref('fact_orders') }}
),

items as (
    select
        product_id,
        customer_state,
        payment_value,
        cast(order_purchase_timestamp as date) as date_day
    from {{ ref('fact_sales') }}
    where is_valid_sale
),

products as (
    select * from {{ ref('dim_products') }}
),

orders_per_day as (
    select
        date_day,
        count(*) as orders
    from orders
    where is_valid_sale
    group by date_day
),

-- The day of the newest order may be going on still.
bounds as (
    select
        min(case when is_valid_sale then date_day end) as first_day,
        max(date_day) as newest_day
    from orders
),

past_days as (
    select
        calendar.date_day,
        calendar.is_black_friday,
        coalesce(orders_per_day.orders, 0) as orders
    from {{ ref('dim_dates') }} as calendar
    cross join bounds
    left join orders_per_day on calendar.date_day = orders_per_day.date_day
    where calendar.date_day >= bounds.first_day and calendar.date_day < bounds.newest_day
),

expected as (
    select
        date_day,
        orders,
        is_black_friday
        or lag(is_black_friday, 1, false) over (order by date_day)
        or lag(is_black_friday, 2, false) over (order by date_day) as is_black_weekend,
        lag(orders, 7, 0) over (order by date_day)
        + lag(orders, 14, 0) over (order by date_day)
        + lag(orders, 21, 0) over (order by date_day)
        + lag(orders, 28, 0) over (order by date_day) as orders_of_four_weeks
    from past_days
),

-- Below a quarter of the same weekday's mean a day is no slow one: its orders are still to come, or the data has ended.
complete as (
    select max(date_day) as last_day
    from expected
    where orders > 0 and 16 * orders >= orders_of_four_weeks
),

numbered as (
    select
        expected.date_day,
        expected.is_black_weekend,
        complete.last_day,
        row_number() over (order by expected.date_day desc) - 1 as age
    from expected
    cross join complete
    where expected.date_day <= complete.last_day
),

days as (
    select * from numbered
    where age <= {{ oldest }}
),

sold as (
    select
        items.date_day,
        items.customer_state,
        {{ product_category('products') }} as product_category,
        {{ cents('items.payment_value') }} as revenue,
        1 as units
    from items
    left join products on items.product_id = products.product_id
    union all
    select
        date_day,
        customer_state,
        'no items' as product_category,
        {{ cents('revenue') }} as revenue,
        0 as units
    from orders
    where is_valid_sale and items = 0
),

parts as (
    select
        days.age,
        sold.customer_state,
        sold.product_category,
        sum(sold.revenue) as revenue,
        sum(sold.units) as units
    from sold
    inner join days on sold.date_day = days.date_day
    group by days.age, sold.customer_state, sold.product_category
),

-- Every sale counts three times: in the total, in its state and in its category.
kinds as (
    select 'total' as level
    union all
    select 'state' as level
    union all
    select 'category' as level
),

counted as (
    select
        kinds.level,
        case when kinds.level = 'state' then parts.customer_state end as customer_state,
        case when kinds.level = 'category' then parts.product_category end as product_category,
        parts.age,
        parts.revenue,
        parts.units
    from parts
    cross join kinds
),

levels as (
    select
        level,
        customer_state,
        product_category,
        age,
        sum(revenue) as revenue,
        sum(units) as units
    from counted
    group by level, customer_state, product_category, age
),

-- A number stands for the three columns, of which two may be null: it is grouped and joined by faster.
numbered_levels as (
    select
        *,
        dense_rank() over (order by level, customer_state, product_category) as series
    from levels
),

series as (
    select distinct
        series,
        level,
        customer_state,
        product_category
    from numbered_levels
),

-- A day without a sale is a day of 0.
final as (
    select
        series.series,
        series.level,
        series.customer_state,
        series.product_category,
        days.age,
        days.last_day,
        days.is_black_weekend,
        cast(coalesce(numbered_levels.revenue, 0) as {{ dbt.type_bigint() }}) as revenue,
        cast(coalesce(numbered_levels.units, 0) as {{ dbt.type_bigint() }}) as units
    from series
    cross join days
    left join numbered_levels on series.series = numbered_levels.series and days.age = numbered_levels.age
)

select * from final
