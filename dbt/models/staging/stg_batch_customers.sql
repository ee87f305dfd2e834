{{ config(unique_key='customer_id', cluster_by='customer_id') }}

with source as (
    select * from {{ source('raw', 'customers') }}
    {{ incremental_filter() }}
),

cleaned as (
    select
        {# cleaned columns of customers, rendered by `make docs` #}
        {{ identifier('customer_id') }} as customer_id,
        {{ identifier('customer_unique_id') }} as customer_unique_id,
        {{ zip_prefix('customer_zip_code_prefix') }} as customer_zip_code_prefix,
        {{ city('customer_city') }} as customer_city,
        {{ state('customer_state') }} as customer_state,
        {# end #}
        _load_id,
        _row
    from source
),

{{ newest_batch_rows('customers') }}, {#- makes newest #}

final as (
    select
        {# columns of customers, rendered by `make docs` #}
        customer_id,
        customer_unique_id,
        customer_zip_code_prefix,
        customer_city,
        customer_state,
        {# end #}
        version,
        _load_id
    from newest
)

select * from final
