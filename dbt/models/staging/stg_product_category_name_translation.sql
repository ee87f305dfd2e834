{{ config(unique_key='product_category_name') }}

with source as (
    select * from {{ source('raw', 'product_category_name_translation') }}
    {{ taken_in() }}
),

cleaned as (
    select
        {%- for name, expression in cleaned_columns('product_category_name_translation').items() %}
        {{ expression }} as {{ name }},
        {%- endfor %}
        _load_id,
        _row
    from source
),

newest as (
    {{ newest_row('cleaned', ['product_category_name']) }}
),

final as (
    select
        product_category_name,
        product_category_name_english
    from newest
)

select * from final
