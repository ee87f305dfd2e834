{{ config(materialized='table') }}
{#- On a full refresh the loads that are new are all loads, so that every order counts as changed. -#}
{#- Named here, so that dbt sees the dependencies when it parses. -#}
{%- set stg_customers = ref('stg_customers') -%}
{%- set stg_sellers = ref('stg_sellers') -%}
{%- set facts = published_before('fact_sales') -%}
{%- set orders_before = published_before('fact_orders') -%}

with new_loads as (
    select load_id from {{ source('control', 'new_loads') }}
),

loaded as (
    {%- for table in tables_of_orders() %}
    select {{ identifier('order_id') }} as order_id
    from {{ source('raw', table) }}
    where _load_id in (select load_id from new_loads)
    union distinct
    {%- endfor %}
    select order_id from {{ ref('int_reprocessed_orders') }}
    union distinct
    select order_id from {{ ref('int_new_events') }}
    where order_id is not null
),

{% if facts %}
-- A reference row that came, or changed, after its orders. Compared by content: an extract that repeats
-- all sellers every day does not recompute all orders every day.
customer_differs as (
    select orders.order_id
    from {{ orders_before }} as orders
    inner join {{ stg_customers }} as customers on orders.customer_id = customers.customer_id
    where
        orders.customer_unique_id != customers.customer_unique_id
        or orders.customer_city is distinct from customers.customer_city
        or orders.customer_state is distinct from customers.customer_state
),

seller_differs as (
    select sales.order_id
    from {{ facts }} as sales
    inner join {{ stg_sellers }} as sellers on sales.seller_id = sellers.seller_id
    where
        sales.seller_city is distinct from sellers.seller_city
        or sales.seller_state is distinct from sellers.seller_state
),

{% endif -%}
changed as (
    select order_id from loaded
    {%- if facts %}
    union distinct
    select order_id from customer_differs
    union distinct
    select order_id from seller_differs
    {%- endif %}
),

final as (
    select
        changed.order_id,
        {% if orders_before %}cast(before.order_purchase_timestamp as date){% else %}cast(null as date){% endif %}
            as date_before
    from changed
    {%- if orders_before %}
    left join {{ orders_before }} as before on changed.order_id = before.order_id
    {%- endif %}
)

select * from final
