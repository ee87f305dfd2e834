{#- Days that a forecast looks ahead, days whose misses make a band, and earlier forecasts that are looked back at. -#}
{%- set ahead = 14 -%}
{%- set band_days = 112 -%}
{%- set backtests = 12 -%}
{#- The oldest miss that counts, the five weeks that its forecast is of, and one for a Black Friday in the first. -#}
{%- set oldest = ahead * backtests + band_days - 1 + 35 + 7 -%}
{#- Cents and units as they are summed; what a quarter of one is, which has so many decimals. -#}
{%- set measures = {'revenue': ('0.0025', 4), 'units': ('0.25', 2)} -%}

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

history as (
    select max(age) as oldest from days
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

levels as (
    select
        'total' as level,
        cast(null as {{ dbt.type_string() }}) as customer_state,
        cast(null as {{ dbt.type_string() }}) as product_category,
        age,
        sum(revenue) as revenue,
        sum(units) as units
    from parts
    group by age
    union all
    select
        'state' as level,
        customer_state,
        cast(null as {{ dbt.type_string() }}) as product_category,
        age,
        sum(revenue) as revenue,
        sum(units) as units
    from parts
    group by customer_state, age
    union all
    select
        'category' as level,
        cast(null as {{ dbt.type_string() }}) as customer_state,
        product_category,
        age,
        sum(revenue) as revenue,
        sum(units) as units
    from parts
    group by product_category, age
),

-- A number stands for the three columns, of which two may be null: it is grouped and joined by faster. So is one that
-- stands for a series and a measure, `line`, and one for a line and a week, `band`.
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
daily as (
    select
        series,
        age,
        cast(sum(revenue) as {{ dbt.type_bigint() }}) as revenue,
        cast(sum(units) as {{ dbt.type_bigint() }}) as units
    from (
        select
            series,
            age,
            revenue,
            units
        from numbered_levels
        union all
        select
            series.series,
            days.age,
            0 as revenue,
            0 as units
        from series
        cross join days
    ) as with_zeros
    group by series, age
),

amounts as (
    {%- for measure in measures %}
    select
        series,
        '{{ measure }}' as measure,
        {{ measures | length }} * series + {{ loop.index0 }} as line,
        age,
        {{ measure }} as amount
    from daily
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- Black Friday and the weekend after it say nothing of the weeks that follow: the week before stands in for them.
examples as (
    select
        amounts.*,
        case
            when days.is_black_weekend
                then coalesce(
                    lag(amounts.amount, 7) over (partition by amounts.line order by amounts.age desc),
                    amounts.amount
                )
            else amounts.amount
        end as example
    from amounts
    inner join days on amounts.age = days.age
),

-- The mean of four is in quarters, which are whole: the sum of the same weekday in the four weeks before.
forecast_a_week_ahead as (
    select
        *,
        {% for day in [7, 14, 21, 28] -%}
        {{ "+ " if not loop.first }}lag(example, {{ day }}) over (partition by line order by age desc)
        {%- if loop.last %} as quarters{% endif %}
        {% endfor -%}
    from examples
),

-- Eight to fourteen days ahead the last of them has yet to come, and it is the four before: the forecast of a week ago.
forecast_before as (
    select
        *,
        lag(quarters, 7) over (partition by line order by age desc) as quarters_before
    from forecast_a_week_ahead
),

misses as (
    {%- for week, quarters in [(1, 'quarters'), (2, 'quarters_before')] %}
    select
        line,
        2 * line + {{ week }} as band,
        {{ week }} as week,
        age,
        amount,
        4 * amount - {{ quarters }} as miss
    from forecast_before
    where {{ quarters }} is not null
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- Where a forecast began or begins: now, and every fortnight before; and how many misses its bands are made of.
origins as (
    {%- for week in [1, 2] %}
    select
        days.age as origin,
        {{ week }} as week,
        least({{ band_days }}, history.oldest - days.age - {{ 20 + 7 * week }}) as misses
    from days
    cross join history
    where mod(days.age, {{ ahead }}) = 0 and days.age <= {{ ahead * backtests }} and history.oldest - days.age >= 62
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

places as (
    select
        origin,
        week,
        cast({{ integer_division('8 * (misses + 1) + 9', '10') }} as {{ dbt.type_bigint() }}) as place
    from origins
),

-- The least of the misses that eight in ten are not beyond, with the one to come counted as beyond all of them.
bands as (
    select
        misses.band,
        places.origin,
        {{ nth_smallest('abs(misses.miss)', 'min(places.place)') }} as radius
    from misses
    inner join places
        on
            misses.week = places.week
            and misses.age >= places.origin
            and misses.age < places.origin + {{ band_days }}
    group by misses.band, places.origin
),

backtested as (
    select
        misses.line,
        bands.origin,
        abs(sum(misses.miss)) as missed,
        sum(misses.amount) as amount,
        sum(case when abs(misses.miss) <= bands.radius then 1 else 0 end) as covered
    from misses
    inner join bands
        on
            misses.band = bands.band
            and misses.age - mod(misses.age, {{ ahead }}) + {{ ahead }} = bands.origin
    where misses.week = case when mod(misses.age, {{ ahead }}) >= 7 then 1 else 2 end
    group by misses.line, bands.origin
),

accuracy as (
    select
        line,
        count(*) as backtests,
        {{ percentage('sum(missed)', '4 * sum(amount)') }} as wape_pct,
        {{ percentage('sum(covered)', ahead ~ ' * count(*)') }} as coverage_pct
    from backtested
    group by line
),

horizons as (
    select
        last_day,
        age + 1 as horizon_days,
        case when age < 7 then 1 else 2 end as week
    from days
    where age < {{ ahead }} and (select oldest from history) >= 27
),

forecasts as (
    select
        examples.series,
        examples.measure,
        examples.line,
        2 * examples.line + horizons.week as band,
        horizons.last_day,
        horizons.horizon_days,
        sum(examples.example) as forecast
    from examples
    inner join horizons on mod(examples.age + horizons.horizon_days, 7) = 0
    where examples.age < 28
    group by
        examples.series,
        examples.measure,
        examples.line,
        horizons.week,
        horizons.last_day,
        horizons.horizon_days
),

banded as (
    select
        forecasts.series,
        forecasts.measure,
        forecasts.last_day,
        forecasts.horizon_days,
        forecasts.forecast,
        -- No day sells less than nothing, unless more goes back than is paid. On DuckDB greatest() passes over nulls.
        case
            when bands.radius is not null
                then greatest(forecasts.forecast - bands.radius, least(forecasts.forecast, 0))
        end as lower,
        forecasts.forecast + bands.radius as upper,
        accuracy.backtests,
        accuracy.wape_pct,
        accuracy.coverage_pct
    from forecasts
    left join bands on forecasts.band = bands.band and bands.origin = 0
    left join accuracy on forecasts.line = accuracy.line
),

final as (
    select
        series.level,
        series.customer_state,
        series.product_category,
        cast({{ dbt.dateadd('day', 'banded.horizon_days', 'banded.last_day') }} as date) as forecast_date,
        banded.horizon_days,
        {%- for measure, (quarter, digits) in measures.items() %}
        {%- for column in ['forecast', 'lower', 'upper'] %}
        {%- set quarters = "max(case when banded.measure = '" ~ measure ~ "' then banded." ~ column ~ " end)" %}
        {{ decimal(decimal(quarters, 0) ~ " * " ~ decimal(quarter, digits), digits) }} as {{ measure }}_{{ column }},
        {%- endfor %}
        {%- for column in ['wape_pct', 'coverage_pct'] %}
        max(case when banded.measure = '{{ measure }}' then banded.{{ column }} end) as {{ measure }}_{{ column }},
        {%- endfor %}
        {%- endfor %}
        cast(coalesce(max(banded.backtests), 0) as {{ dbt.type_bigint() }}) as backtests
    from banded
    inner join series on banded.series = series.series
    group by
        series.level,
        series.customer_state,
        series.product_category,
        banded.last_day,
        banded.horizon_days
)

select * from final
