{{ config(unique_key='product_id', cluster_by='product_id') }}

with source as (
    select * from {{ source('raw', 'products') }}
    {{ taken_in() }}
),

cleaned as (
    select
        {{ identifier('product_id') }} as product_id,
        {{ text('product_category_name') }} as product_category_name,
        product_name_length,
        product_description_length,
        product_photos_qty,
        product_weight_g,
        product_length_cm,
        product_height_cm,
        product_width_cm,
        _load_id,
        _row
    from source
),

newest as (
    {{ newest_row('cleaned', ['product_id']) }}
),

final as (
    select
        product_id,
        product_category_name,
        product_name_length,
        product_description_length,
        product_photos_qty,
        product_weight_g,
        product_length_cm,
        product_height_cm,
        product_width_cm
    from newest
)

select * from final
