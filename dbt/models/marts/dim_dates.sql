with orders as (
    select * from {{ ref('fact_orders') }}
),

bounds as (
    select
        {{ period_start('year', 'min(order_purchase_timestamp)') }} as first_day,
        cast(
            max(greatest(
                order_purchase_timestamp,
                coalesce(order_delivered_customer_date, order_purchase_timestamp),
                coalesce(order_estimated_delivery_date, order_purchase_timestamp)
            )) as date
        ) as last_day
    from orders
),

days as (
    {{ days_from_to('first_day', 'last_day', 'bounds') }}
),

final as (
    select
        date_day,
        {{ period_start('week', 'date_day') }} as week_start,
        {{ period_start('month', 'date_day') }} as month_start,
        {{ period_start('quarter', 'date_day') }} as quarter_start,
        {{ period_start('year', 'date_day') }} as year_start,
        extract(year from date_day) as year,
        extract(quarter from date_day) as quarter,
        extract(month from date_day) as month,
        extract(day from date_day) as day_of_month,
        {{ iso_day_of_week('date_day') }} as iso_day_of_week,
        {{ iso_day_of_week('date_day') }} >= 6 as is_weekend,
        -- The Friday after the fourth Thursday of November.
        extract(month from date_day) = 11
        and {{ iso_day_of_week('date_day') }} = 5
        and extract(day from date_day) between 23 and 29 as is_black_friday
    from days
)

select * from final
