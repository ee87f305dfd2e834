{{ config(cluster_by='seller_id') }}

with sellers as (
    select * from {{ ref('stg_sellers') }}
),

locations as (
    select * from {{ ref('dim_locations') }}
),

final as (
    select
        sellers.seller_id,
        sellers.seller_zip_code_prefix,
        sellers.seller_city,
        sellers.seller_state,
        locations.latitude,
        locations.longitude
    from sellers
    left join locations on sellers.seller_zip_code_prefix = locations.zip_code_prefix
)

select * from final
