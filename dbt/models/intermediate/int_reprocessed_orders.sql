with build_window as (
    select * from {{ source('control', 'build_window') }}
),

final as (
    select distinct {{ identifier('orders.order_id') }} as order_id
    from {{ source('raw', 'orders') }} as orders
    inner join build_window
        on
            cast(orders.order_purchase_timestamp as date) >= build_window.start_date
            and cast(orders.order_purchase_timestamp as date) <= build_window.end_date
)

select * from final
