{{ config(cluster_by='product_id') }}

with products as (
    select * from {{ ref('stg_products') }}
),

translations as (
    select * from {{ ref('stg_product_category_name_translation') }}
),

final as (
    select
        products.product_id,
        products.product_category_name,
        translations.product_category_name_english,
        products.product_name_length,
        products.product_description_length,
        products.product_photos_qty,
        products.product_weight_g,
        products.product_length_cm,
        products.product_height_cm,
        products.product_width_cm,
        -- No parcel is 100 m long: that is a mistake, and three of them multiplied do not fit into a decimal.
        case
            when greatest(products.product_length_cm, products.product_height_cm, products.product_width_cm) < 10000
                then {{ decimal(
                    decimal('products.product_length_cm * products.product_height_cm', 3)
                    ~ ' * products.product_width_cm', 3
                ) }}
        end as volume_cm3
    from products
    left join translations on products.product_category_name = translations.product_category_name
)

select * from final
