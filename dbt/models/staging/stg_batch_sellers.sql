{{ config(unique_key='seller_id', cluster_by='seller_id') }}

with source as (
    select * from {{ source('raw', 'sellers') }}
    {{ incremental_filter() }}
),

cleaned as (
    select
        {# cleaned columns of sellers, rendered by `make docs` #}
        {{ identifier('seller_id') }} as seller_id,
        {{ zip_prefix('seller_zip_code_prefix') }} as seller_zip_code_prefix,
        {{ city('seller_city') }} as seller_city,
        {{ state('seller_state') }} as seller_state,
        {# end #}
        _load_id,
        _row
    from source
),

{{ newest_batch_rows('sellers') }}, {#- makes newest #}

final as (
    select
        {# columns of sellers, rendered by `make docs` #}
        seller_id,
        seller_zip_code_prefix,
        seller_city,
        seller_state,
        {# end #}
        version,
        _load_id
    from newest
)

select * from final
