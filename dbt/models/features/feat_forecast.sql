{%- set spans = forecast_spans() -%}
{%- set ahead = spans.ahead -%}
{%- set band_days = spans.band -%}
{%- set backtests = spans.backtests -%}
{#- Cents and units as they are summed; what a quarter of one is, which has so many decimals. -#}
{%- set measures = {'revenue': ('0.0025', 4), 'units': ('0.25', 2)} -%}

with sales as (
    select * from {{ ref('int_daily_sales') }}
),

days as (
    select distinct
        age,
        last_day
    from sales
),

history as (
    select max(age) as oldest from days
),

series as (
    select distinct
        series,
        level,
        customer_state,
        product_category
    from sales
),

-- A number stands for a series and a measure, `line`, and one for a line and a week, `band`.
amounts as (
    {%- for measure in measures %}
    select
        series,
        '{{ measure }}' as measure,
        {{ measures | length }} * series + {{ loop.index0 }} as line,
        age,
        is_black_weekend,
        {{ measure }} as amount
    from sales
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- Black Friday and the weekend after it say nothing of the weeks that follow: the week before stands in for them.
examples as (
    select
        *,
        case
            when is_black_weekend
                then coalesce(lag(amount, 7) over (partition by line order by age desc), amount)
            else amount
        end as example
    from amounts
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
        {{ percentage('sum(missed)', 'case when sum(amount) > 0 then 4 * sum(amount) end') }} as wape_pct,
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
