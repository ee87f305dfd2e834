{{ config(unique_key='product_id', cluster_by='product_id') }}

with source as (
    select * from {{ source('raw', 'products') }}
    {{ incremental_filter() }}
),

cleaned as (
    select
        {# cleaned columns of products, rendered by `make docs` #}
        {{ identifier('product_id') }} as product_id,
        {{ text('product_category_name') }} as product_category_name,
        product_name_length,
        product_description_length,
        product_photos_qty,
        product_weight_g,
        product_length_cm,
        product_height_cm,
        product_width_cm,
        {# end #}
        _load_id,
        _row
    from source
),

{{ newest_batch_rows('products') }}, {#- makes newest #}

final as (
    select
        {# columns of products, rendered by `make docs` #}
        product_id,
        product_category_name,
        product_name_length,
        product_description_length,
        product_photos_qty,
        product_weight_g,
        product_length_cm,
        product_height_cm,
        product_width_cm,
        {# end #}
        version,
        _load_id
    from newest
)

select * from final
