with items as (
    select
        items.order_id,
        items.order_item_id,
        {{ cents('items.price + items.freight_value') }} as weight,
        {{ cents('orders.revenue') }} as paid
    from {{ ref('stg_order_items') }} as items
    inner join {{ ref('fact_orders') }} as orders on items.order_id = orders.order_id
    where items.order_id in (select order_id from {{ ref('int_changed_orders') }})
),

weighed as (
    select
        *,
        sum(weight) over (partition by order_id) as order_weight,
        row_number() over (partition by order_id order by weight desc, order_item_id asc) as share_rank
    from items
),

-- Where nothing weighs anything, every item weighs the same.
shares as (
    select
        order_id,
        order_item_id,
        paid,
        share_rank,
        case when order_weight = 0 then 1 else weight end as weight,
        case
            when order_weight = 0 then count(*) over (partition by order_id)
            else order_weight
        end as order_weight
    from weighed
),

rounded as (
    select
        order_id,
        order_item_id,
        paid,
        share_rank,
        -- More may have gone back than was paid.
        sign(paid) * {{ integer_division(
            "2 * abs(" ~ wide("paid") ~ ") * " ~ wide("weight") ~ " + " ~ wide("order_weight"),
            "2 * " ~ wide("order_weight")
        ) }} as allocated
    from shares
),

-- The cents that rounding left over, or took too many, go to the largest share.
settled as (
    select
        order_id,
        order_item_id,
        allocated
        + case
            when share_rank = 1 then paid - sum(allocated) over (partition by order_id)
            else 0
        end as allocated
    from rounded
),

final as (
    select
        order_id,
        order_item_id,
        {{ money_of('allocated') }}
            as payment_value
    from settled
)

select * from final
