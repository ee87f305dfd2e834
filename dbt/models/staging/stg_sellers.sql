{{ config(unique_key='seller_id', cluster_by='seller_id') }}

with source as (
    select * from {{ source('raw', 'sellers') }}
    {{ taken_in() }}
),

cleaned as (
    select
        {{ identifier('seller_id') }} as seller_id,
        {{ zip_prefix('seller_zip_code_prefix') }} as seller_zip_code_prefix,
        {{ city('seller_city') }} as seller_city,
        {{ state('seller_state') }} as seller_state,
        _load_id,
        _row
    from source
),

newest as (
    {{ newest_row('cleaned', ['seller_id']) }}
),

final as (
    select
        seller_id,
        seller_zip_code_prefix,
        seller_city,
        seller_state
    from newest
)

select * from final
