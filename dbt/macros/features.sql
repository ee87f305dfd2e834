{#
    Features at a point in time. What is known of an order is a list of facts, each with the day on which it became known;
    the history of an entity is the running sum of the facts of its orders. All are whole numbers of at least zero, so
    that the same facts give the same history, whichever way and order they came in.
#}

{#
    The CTEs from `orders` (rows of fact_orders) and `reviews` (rows of fact_reviews), both CTEs, to `order_facts`: of each
    order and day what became known of it on that day. `told`, a CTE: order_id, recorded_at, and what was told then.

    An order that is not delivered is late from the moment on at which its promised day has passed, whatever becomes of it:
    to count those alone that are delivered in the end would be to know the end. That moment may lie ahead: then the row
    says what will be known if nothing comes before.
#}
{% macro order_facts(orders, reviews, told) -%}
recorded as (
    select
        order_id,
        min(case when tells_order then recorded_at end) as order_at,
        min(case when tells_carrier then recorded_at end) as carrier_at,
        max(case when tells_carrier then recorded_at end) as newest_carrier_at,
        min(case when tells_delivery then recorded_at end) as delivery_at,
        max(case when tells_delivery then recorded_at end) as newest_delivery_at,
        min(case when tells_review then recorded_at end) as review_at,
        max(case when tells_review then recorded_at end) as newest_review_at
    from {{ told }}
    group by order_id
),

dated as (
    select
        orders.order_id,
        orders.order_purchase_timestamp as bought,
        orders.order_delivered_carrier_date as handed_over,
        orders.order_delivered_customer_date as arrived,
        {{ cents('orders.gmv') }} as gmv_cents,
        {{ midnight_after('orders.order_estimated_delivery_date') }} as promise_passed,
        recorded.order_at,
        {{ told_at('orders.order_delivered_carrier_date', 'recorded.carrier_at', 'recorded.newest_carrier_at') }}
            as carrier_at,
        {{ told_at('orders.order_delivered_customer_date', 'recorded.delivery_at', 'recorded.newest_delivery_at') }}
            as delivery_at,
        recorded.review_at,
        recorded.newest_review_at
    from {{ orders }} as orders
    left join recorded on orders.order_id = recorded.order_id
),

reviewed as (
    select
        dated.order_id,
        dated.bought,
        {{ told_at('answers.review_answer_timestamp', 'dated.review_at', 'dated.newest_review_at') }} as review_at,
        answers.review_score,
        answers.review_answer_timestamp as answered
    from {{ reviews }} as answers
    inner join dated on answers.order_id = dated.order_id
),

-- Nothing is known of an order before it is bought: files have reviews that are older than their order.
moments as (
    {{ fact_row(sold='1', gmv_cents='gmv_cents', known='bought', recorded='order_at') }}
    from dated
    union all
    {{ fact_row(
        handed='1', handling_s=seconds_taken('bought', 'handed_over'), known='handed_over', recorded='carrier_at'
    ) }}
    from dated
    where handed_over >= bought
    union all
    {{ fact_row(
        delivered='1', total_s=seconds_taken('bought', 'arrived'), known='arrived', recorded='delivery_at'
    ) }}
    from dated
    where arrived >= bought
    union all
    {{ fact_row(resolved='1', known=later_of('arrived', 'bought'), recorded='delivery_at') }}
    from dated
    where arrived < promise_passed
    union all
    -- Nobody has to tell this one: it is the clock that does.
    {{ fact_row(resolved='1', late='1', known=later_of('promise_passed', 'bought'), recorded='order_at') }}
    from dated
    where promise_passed is not null and (arrived is null or arrived >= promise_passed)
    union all
    {{ fact_row(reviews='1', score='review_score', known=later_of('answered', 'bought'), recorded='review_at') }}
    from reviewed
    where answered is not null
),

order_facts as (
    select
        order_id,
        known_on,
        max(recorded_at) as recorded_at
        {%- for name in accumulators() %},
        cast(sum({{ name }}) as {{ dbt.type_bigint() }}) as {{ name }}
        {%- endfor %}
    from moments
    -- What is to be known in thousands of years is a year that was typed wrongly; days are counted on from here.
    where known_on < date '9000-01-01'
    group by order_id, known_on
)
{%- endmacro %}

{#
    The whole seconds from `earlier` to `later`, at most 100 million, three years: one year that was typed wrongly must not
    overflow a product, or weigh more than all that is right.
#}
{% macro seconds_taken(earlier, later) -%}
    {%- set seconds = seconds_between(earlier, later) -%}
    {{ return("case when " ~ seconds ~ " > 100000000 then 100000000 else " ~ seconds ~ " end") }}
{%- endmacro %}

{#
    When we were told of what happened at `time`: the first telling, unless it came before that and spoke of something else,
    such as another review or a delivery that was corrected. Then the newest one.
#}
{% macro told_at(time, first, newest) -%}
    {{ return("case when " ~ long_before(first, time) ~ " then " ~ newest ~ " else " ~ first ~ " end") }}
{%- endmacro %}

{# The later of two times, the second of which is not null. #}
{% macro later_of(time, other) -%}
    {{ return("case when " ~ time ~ " < " ~ other ~ " then " ~ other ~ " else " ~ time ~ " end") }}
{%- endmacro %}

{# The columns of one fact: the day on which it is known, when we were told, and the sums that it adds to. #}
{% macro fact_row(known, recorded) -%}
    select
        order_id,
        cast({{ known }} as date) as known_on,
        {{ recorded }} as recorded_at
        {%- for name in accumulators() %},
        cast({{ kwargs.get(name, '0') }} as {{ dbt.type_bigint() }}) as {{ name }}
        {%- endfor %}
{%- endmacro %}

{#
    When we were told of what: by an event when it came, by a file when it was loaded. A query on rows of files, orders and
    reviews, and on events; `where`: a condition on order_id.
#}
{% macro tellings(orders, reviews, events, where=none) -%}
    select
        order_id,
        {{ utc_time(load_time('_load_id')) }} as recorded_at,
        true as tells_order,
        order_delivered_carrier_date is not null as tells_carrier,
        order_delivered_customer_date is not null as tells_delivery,
        false as tells_review
    from {{ orders }}
    {{ 'where ' ~ where if where }}
    union all
    select
        order_id,
        {{ utc_time(load_time('_load_id')) }} as recorded_at,
        false as tells_order,
        false as tells_carrier,
        false as tells_delivery,
        true as tells_review
    from {{ reviews }}
    {{ 'where ' ~ where if where }}
    union all
    select
        order_id,
        received_at as recorded_at,
        {{ event_field('orders', 'order_purchase_timestamp') }} is not null as tells_order,
        {{ event_field('orders', 'order_delivered_carrier_date') }} is not null as tells_carrier,
        {{ event_field('orders', 'order_delivered_customer_date') }} is not null as tells_delivery,
        {{ event_field('order_reviews', 'review_score') }} is not null as tells_review
    from {{ events }}
    where order_id is not null {{- ' and ' ~ where if where }}
{%- endmacro %}

{#
    Which part of each order is an entity's, as a query of order_id, entity_id and gmv_cents: of rows of fact_sales, or of
    fact_orders where the entity has whole orders.
#}
{% macro parts_of(entity, sales=none, orders=none) -%}
    {%- set whole_orders = {'marketplace': "'all'", 'customer': 'customer_unique_id'} -%}
    {%- set keys = {
        'seller': ['seller_id'], 'lane': ['seller_state', 'customer_state'], 'product': ['product_id']
    } -%}
    select
        order_id,
        {%- if entity in whole_orders %}
        {{ whole_orders[entity] }} as entity_id,
        {{ cents('gmv') }} as gmv_cents
    from {{ orders }}
        {%- else %}
        {{ keys[entity] | join(" || '-' || ") }} as entity_id,
        sum({{ cents('price') }}) as gmv_cents
    from {{ sales }}
    group by order_id, {{ keys[entity] | join(', ') }}
        {%- endif %}
{%- endmacro %}

{# What a fact of an order adds to the sum `name`, a word, of an entity with this part of the order. #}
{% macro fact_of_part(name) -%}
    {{ return('facts.sold * parts.gmv_cents' if name == 'gmv_cents' else 'facts.' ~ name) }}
{%- endmacro %}

{#
    The CTEs from `parts`, order_id, entity_id and gmv_cents of each entity's part of each order, to `final`: the history
    of each entity, a row for each day on which something became known, which holds from the midnight after it.
#}
{% macro feature_history() -%}
facts as (
    select * from {{ ref('feat_order_facts') }}
),

news as (
    select
        parts.entity_id,
        facts.known_on,
        max(facts.recorded_at) as recorded_at
        {%- for name in accumulators() %},
        sum({{ fact_of_part(name) }}) as {{ name }}
        {%- endfor %}
    from facts
    inner join parts on facts.order_id = parts.order_id
    where parts.entity_id is not null
    group by parts.entity_id, facts.known_on
),

final as (
    select
        entity_id,
        {{ midnight_after('known_on') }} as feature_timestamp,
        max(recorded_at) over (
            partition by entity_id order by known_on rows unbounded preceding
        ) as created_timestamp
        {%- for name in accumulators() %},
        cast(sum({{ name }}) over (
            partition by entity_id order by known_on rows unbounded preceding
        ) as {{ dbt.type_bigint() }}) as {{ name }}
        {%- endfor %}
    from news
)
{%- endmacro %}

{#
    The CTEs from `history`, rows of a history, to `final`: the vector of each entity at the midnight after the newest
    purchase, of each sum over all time and over the days before that midnight. What lies ahead does not count yet.
#}
{% macro feature_vector() -%}
today as (
    select max(cast(order_purchase_timestamp as date)) as last_day from {{ ref('fact_orders') }}
),

moments as (
    select
        {{ midnight_after('last_day') }} as as_of
        {%- for window in feature_windows() %},
        {{ midnight_after(days_before('last_day', window)) }} as start_{{ window }}d
        {%- endfor %}
    from today
),

final as (
    select
        history.entity_id,
        moments.as_of as feature_timestamp,
        max(history.created_timestamp) as created_timestamp
        {%- for name in accumulators() %},
        max(history.{{ name }}) as {{ name }}
        {%- for window in feature_windows() %},
        max(history.{{ name }})
        - coalesce(
            max(case when history.feature_timestamp <= moments.start_{{ window }}d then history.{{ name }} end), 0
        ) as {{ name }}_{{ window }}d
        {%- endfor %}
        {%- endfor %}
    from history
    cross join moments
    where history.feature_timestamp <= moments.as_of
    group by history.entity_id, moments.as_of
)
{%- endmacro %}

{#
    What `as_of` is where a database has no ASOF join: rows of both are put in one order, and the greatest so far is the
    last, as columns never fall. `integer`: the type of whole numbers there.
#}
{% macro as_of_by_running_maxima(requests, keys, history, columns, integer) -%}
    select
        {%- for key in keys %}
        {{ key }},
        {%- endfor %}
        {%- for column in columns %}
        coalesce({{ column }}, 0) as {{ column }}{{ "," if not loop.last }}
        {%- endfor %}
    from (
        select
            is_request,
            {%- for key in keys %}
            {{ key }},
            {%- endfor %}
            {%- for column in columns %}
            max({{ column }}) over (
                partition by entity_id order by day, is_request
                rows between unbounded preceding and current row
            ) as {{ column }}{{ "," if not loop.last }}
            {%- endfor %}
        from (
            select
                1 as is_request,
                {%- for key in keys %}
                {{ key }},
                {%- endfor %}
                {%- for column in columns %}
                cast(null as {{ integer }}) as {{ column }}{{ "," if not loop.last }}
                {%- endfor %}
            from {{ requests }}
            union all
            select
                0 as is_request,
                {%- for key in keys %}
                {%- if key == 'entity_id' %}
                entity_id,
                {%- elif key == 'day' %}
                cast(feature_timestamp as date) as day,
                {%- else %}
                null as {{ key }},
                {%- endif %}
                {%- endfor %}
                {%- for column in columns %}
                {{ column }}{{ "," if not loop.last }}
                {%- endfor %}
            from {{ history }}
        ) as both_kinds
    ) as in_order
    where is_request = 1
{%- endmacro %}

{# `value`, a whole number of any type, as an integer. #}
{% macro whole(value) -%}
    {{ return("cast(" ~ value ~ " as " ~ dbt.type_bigint() ~ ")") }}
{%- endmacro %}

{# Days that a forecast looks ahead, days whose misses make a band, and earlier forecasts that are looked back at. #}
{% macro forecast_spans() %}
    {{ return({'ahead': 14, 'band': 112, 'backtests': 12}) }}
{%- endmacro %}
