{{ config(
    unique_key='order_id',
    partition_by={'field': 'order_purchase_timestamp', 'data_type': 'datetime', 'granularity': 'month'},
    cluster_by='order_id'
) }}
{#- A row is as old as the newest time in it, where its status has a time; else as its extract. -#}
{%- set stage_time -%}
    case newest.order_status
        when 'created' then newest.order_purchase_timestamp
        when 'approved' then newest.order_approved_at
        when 'shipped' then newest.order_delivered_carrier_date
        when 'delivered' then newest.order_delivered_customer_date
    end
{%- endset -%}
{%- set newest_time -%}
    greatest(
            newest.order_purchase_timestamp,
            coalesce(newest.order_approved_at, newest.order_purchase_timestamp),
            coalesce(newest.order_delivered_carrier_date, newest.order_purchase_timestamp),
            coalesce(newest.order_delivered_customer_date, newest.order_purchase_timestamp)
        )
{%- endset -%}
{%- set version -%}
    case
        when {{ stage_time }} is null then load_times.version
        else least({{ business_time_as_utc_text(newest_time) }}, {{ load_time('newest._load_id') }})
    end
{%- endset -%}
{{ newest_batch_rows('orders', version=version) }}
