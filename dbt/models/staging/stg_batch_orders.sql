{{ config(
    unique_key='order_id',
    partition_by={'field': 'order_purchase_timestamp', 'data_type': 'datetime', 'granularity': 'month'},
    cluster_by='order_id'
) }}
{#- A row is as old as the newest time in it, where its status has a time; else, or if told, as its extract. -#}
{%- set stage_time -%}
    case new_rows.order_status
        when 'created' then new_rows.order_purchase_timestamp
        when 'approved' then new_rows.order_approved_at
        when 'shipped' then new_rows.order_delivered_carrier_date
        when 'delivered' then new_rows.order_delivered_customer_date
    end
{%- endset -%}
{%- set newest_time -%}
    greatest(
            order_purchase_timestamp,
            coalesce(order_approved_at, order_purchase_timestamp),
            coalesce(order_delivered_carrier_date, order_purchase_timestamp),
            coalesce(order_delivered_customer_date, order_purchase_timestamp)
        )
{%- endset -%}
{%- set version -%}
    case
        when load_times.is_stated or {{ stage_time }} is null then load_times.version
        else least({{ business_time_as_utc_text(newest_time) }}, {{ load_time('new_rows._load_id') }})
    end
{%- endset -%}
{#-
    Among files: a row of which nobody told how old it is, is as old as the newest time in it, unless the order ended
    without one. Of rows of one age the one that is further on.
-#}
{%- set newest_first -%}
    case
            when
                not is_stated and order_status not in ('canceled', 'unavailable')
                then coalesce(least({{ business_time_as_utc_text(newest_time) }}, {{ load_time('_load_id') }}), version)
            else version
        end desc,
        {{ stage_of('order_status') }} desc
{%- endset -%}

with source as (
    select * from {{ source('raw', 'orders') }}
    {{ incremental_filter(by_order=true) }}
),

cleaned as (
    select
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
        _load_id,
        _row
    from source
),

-- Within a file the last row counts, whatever it says: only between files is an order held to its stages.
last_rows as (
    {{ newest_row('cleaned', ['order_id', '_load_id'], '_row desc') }}
),

{{ newest_batch_rows('orders', relation='last_rows', version=version, newest_first=newest_first) }}, {#- makes newest #}

final as (
    select
        {# columns of orders, rendered by `make docs` #}
        order_id,
        customer_id,
        order_status,
        order_purchase_timestamp,
        order_approved_at,
        order_delivered_carrier_date,
        order_delivered_customer_date,
        order_estimated_delivery_date,
        {# end #}
        version,
        _load_id
    from newest
)

select * from final
