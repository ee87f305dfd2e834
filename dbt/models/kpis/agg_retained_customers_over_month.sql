with active_months as (
    select distinct
        customer_unique_id,
        {{ period_start('month', 'order_purchase_timestamp') }} as month
    from {{ ref('fact_orders') }}
    where is_valid_sale
),

first_months as (
    select
        customer_unique_id,
        min(month) as cohort_month
    from active_months
    group by customer_unique_id
),

cohorts as (
    select
        cohort_month,
        count(*) as cohort_size
    from first_months
    group by cohort_month
),

months as (
    select distinct month_start as month
    from {{ ref('dim_dates') }}
    where month_start <= (select max(month) from active_months)
),

retained as (
    select
        first_months.cohort_month,
        active_months.month,
        count(*) as retained_customers
    from active_months
    inner join first_months on active_months.customer_unique_id = first_months.customer_unique_id
    group by first_months.cohort_month, active_months.month
),

final as (
    select
        cohorts.cohort_month,
        {{ months_between('cohorts.cohort_month', 'months.month') }} as months_since_first,
        cohorts.cohort_size,
        coalesce(retained.retained_customers, 0) as retained_customers,
        {{ percentage('coalesce(retained.retained_customers, 0)', 'cohorts.cohort_size') }} as retention_rate_pct
    from cohorts
    inner join months on cohorts.cohort_month <= months.month
    left join retained
        on
            cohorts.cohort_month = retained.cohort_month
            and months.month = retained.month
)

select * from final
