{{ config(unique_key='product_category_name') }}

with source as (
    select * from {{ source('raw', 'product_category_name_translation') }}
    {{ incremental_filter() }}
),

cleaned as (
    select
        {# cleaned columns of product_category_name_translation, rendered by `make docs` #}
        {{ text('product_category_name') }} as product_category_name,
        {{ text('product_category_name_english') }} as product_category_name_english,
        {# end #}
        _load_id,
        _row
    from source
),

newest as (
    {{ newest_row('cleaned', ['product_category_name']) }}
),

final as (
    select
        {# staged columns of product_category_name_translation, rendered by `make docs` #}
        product_category_name,
        product_category_name_english
    {# end #}
    from newest
)

select * from final
