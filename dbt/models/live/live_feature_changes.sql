{#- Elsewhere it would read its tables thousands of times, and nobody asks for it there. -#}
{{ config(alias='feature_changes', enabled=runs_a_cte_once()) }}
{#- Not refs in the SQL: see live_rows_to_merge. -#}
{%- do [ref('feat_order_facts'), ref('fact_orders'), ref('fact_sales')] -%}
{%- set of_changed = "select order_id from changed_orders" -%}

with since as (
    {{ typed_events(events_since_build()) }}
),

-- Those that a build would compute anew, as int_changed_orders has them.
changed_orders as (
    select order_id from since
    where order_id is not null
    union distinct
    select order_id from {{ published('fact_orders', 'marts') }}
    where
        customer_id in (
            select {{ identifier(unit_of_event('customers')) }} from since
            where {{ carries('customers') }}
        )
    union distinct
    select order_id from {{ published('fact_sales', 'marts') }}
    where
        seller_id in (
            select {{ identifier(unit_of_event('sellers')) }} from since
            where {{ carries('sellers') }}
        )
),

orders as (
    {% call live_rows('orders', of_changed) %}
        {# cleaned columns of orders, rendered by `make docs` #}
        {{ identifier('order_id') }} as order_id,
        {{ identifier('customer_id') }} as customer_id,
        order_status,
        order_purchase_timestamp,
        order_approved_at,
        order_delivered_carrier_date,
        order_delivered_customer_date,
        order_estimated_delivery_date,
        {# end #}
        version
    {%- endcall %}
),

items as (
    {% call live_rows('order_items', of_changed) %}
        {# cleaned columns of order_items, rendered by `make docs` #}
        {{ identifier('order_id') }} as order_id,
        order_item_id,
        {{ identifier('product_id') }} as product_id,
        {{ identifier('seller_id') }} as seller_id,
        shipping_limit_date,
        price,
        freight_value,
        {# end #}
        version
    {%- endcall %}
),

reviews as (
    {% call live_rows('order_reviews', of_changed) %}
        {# cleaned columns of order_reviews, rendered by `make docs` #}
        {{ identifier('review_id') }} as review_id,
        {{ identifier('order_id') }} as order_id,
        review_score,
        {{ text('review_comment_title') }} as review_comment_title,
        {{ text('review_comment_message') }} as review_comment_message,
        review_creation_date,
        review_answer_timestamp,
        {# end #}
        version
    {%- endcall %}
),

customers as (
    {% call live_rows('customers', 'select customer_id from orders') %}
        {# cleaned columns of customers, rendered by `make docs` #}
        {{ identifier('customer_id') }} as customer_id,
        {{ identifier('customer_unique_id') }} as customer_unique_id,
        {{ zip_prefix('customer_zip_code_prefix') }} as customer_zip_code_prefix,
        {{ city('customer_city') }} as customer_city,
        {{ state('customer_state') }} as customer_state,
        {# end #}
        version
    {%- endcall %}
),

sellers as (
    {% call live_rows('sellers', 'select seller_id from items') %}
        {# cleaned columns of sellers, rendered by `make docs` #}
        {{ identifier('seller_id') }} as seller_id,
        {{ zip_prefix('seller_zip_code_prefix') }} as seller_zip_code_prefix,
        {{ city('seller_city') }} as seller_city,
        {{ state('seller_state') }} as seller_state,
        {# end #}
        version
    {%- endcall %}
),

gmv as (
    select
        order_id,
        sum(price) as gmv
    from items
    group by order_id
),

-- What fact_orders, fact_sales and fact_reviews will be made of the changed orders, as far as features need it.
orders_now as (
    select
        orders.order_id,
        orders.order_purchase_timestamp,
        orders.order_delivered_carrier_date,
        orders.order_delivered_customer_date,
        orders.order_estimated_delivery_date,
        coalesce(customers.customer_unique_id, orders.customer_id) as customer_unique_id,
        customers.customer_state,
        {{ decimal('coalesce(gmv.gmv, 0)') }} as gmv
    from orders
    left join gmv on orders.order_id = gmv.order_id
    left join customers on orders.customer_id = customers.customer_id
    where orders.order_id in ({{ of_changed }})
),

sales_now as (
    select
        items.order_id,
        items.product_id,
        items.seller_id,
        items.price,
        orders_now.customer_state,
        sellers.seller_state
    from items
    inner join orders_now on items.order_id = orders_now.order_id
    left join sellers on items.seller_id = sellers.seller_id
),

reviews_now as (
    select reviews.*
    from reviews
    inner join orders_now on reviews.order_id = orders_now.order_id
),

events_now as (
    select
        order_id,
        received_at,
        data
    from since
    union all
    select
        order_id,
        received_at,
        data
    from {{ published('stg_events') }}
),

told as (
    {{ tellings(
        published('stg_batch_orders'), published('stg_batch_order_reviews'), 'events_now',
        'order_id in (' ~ of_changed ~ ')'
    ) }}
),

{{ order_facts('orders_now', 'reviews_now', 'told') }}, {#- makes order_facts #}

facts_before as (
    select * from {{ published('feat_order_facts', 'features') }}
    where order_id in ({{ of_changed }})
),

orders_before as (
    select * from {{ published('fact_orders', 'marts') }}
    where order_id in ({{ of_changed }})
),

sales_before as (
    select * from {{ published('fact_sales', 'marts') }}
    where order_id in ({{ of_changed }})
),

-- Sums are linear in orders: what was published of these goes, what they are now comes.
changes as (
    {%- for entity in feature_entities() %}
    select
        '{{ entity }}' as entity,
        parts.entity_id,
        facts.known_on,
        facts.recorded_at,
        true as is_now
        {%- for name in accumulators() %},
        {{ fact_of_part(name) }} as {{ name }}
        {%- endfor %}
    from order_facts as facts
    inner join ({{ parts_of(entity, 'sales_now', 'orders_now') }}) as parts on facts.order_id = parts.order_id
    union all
    select
        '{{ entity }}' as entity,
        parts.entity_id,
        facts.known_on,
        facts.recorded_at,
        false as is_now
        {%- for name in accumulators() %},
        -{{ fact_of_part(name) }} as {{ name }}
        {%- endfor %}
    from facts_before as facts
    inner join ({{ parts_of(entity, 'sales_before', 'orders_before') }}) as parts on facts.order_id = parts.order_id
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

summed as (
    select
        entity,
        entity_id,
        known_on,
        max(case when is_now then recorded_at end) as recorded_at,
        max(case when not is_now then recorded_at end) as recorded_before
        {%- for name in accumulators() %},
        cast(sum({{ name }}) as {{ dbt.type_bigint() }}) as {{ name }}
        {%- endfor %}
    from changes
    where entity_id is not null
    group by entity, entity_id, known_on
),

-- Most facts of a changed order are as they were.
final as (
    select
        entity,
        entity_id,
        known_on,
        recorded_at
        {%- for name in accumulators() %},
        {{ name }}
        {%- endfor %}
    from summed
    where
        recorded_at is distinct from recorded_before
        {%- for name in accumulators() %}
        or {{ name }} != 0
        {%- endfor %}
)

select * from final
