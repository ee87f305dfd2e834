-- Rendered from the contract by `make docs`. Change it there, not here.

create file format if not exists raw.landed type = parquet use_logical_type = true;

create file format if not exists raw.lines type = json;

create stage if not exists raw.loads;

create stage if not exists raw.journal;

copy into raw.orders from (
    select
        $1:order_id::varchar,
        $1:customer_id::varchar,
        $1:order_status::varchar,
        $1:order_purchase_timestamp::timestamp_ntz,
        $1:order_approved_at::timestamp_ntz,
        $1:order_delivered_carrier_date::timestamp_ntz,
        $1:order_delivered_customer_date::timestamp_ntz,
        $1:order_estimated_delivery_date::timestamp_ntz,
        split_part(metadata$filename, '/', -2),
        metadata$file_row_number
    from @raw.loads
)
pattern = '.*/orders[.]parquet'
file_format = (format_name = 'raw.landed');

copy into raw.order_items from (
    select
        $1:order_id::varchar,
        $1:order_item_id::number(38, 0),
        $1:product_id::varchar,
        $1:seller_id::varchar,
        $1:shipping_limit_date::timestamp_ntz,
        $1:price::number(18, 2),
        $1:freight_value::number(18, 2),
        split_part(metadata$filename, '/', -2),
        metadata$file_row_number
    from @raw.loads
)
pattern = '.*/order_items[.]parquet'
file_format = (format_name = 'raw.landed');

copy into raw.order_payments from (
    select
        $1:order_id::varchar,
        $1:payment_sequential::number(38, 0),
        $1:payment_type::varchar,
        $1:payment_installments::number(38, 0),
        $1:payment_value::number(18, 2),
        split_part(metadata$filename, '/', -2),
        metadata$file_row_number
    from @raw.loads
)
pattern = '.*/order_payments[.]parquet'
file_format = (format_name = 'raw.landed');

copy into raw.order_reviews from (
    select
        $1:review_id::varchar,
        $1:order_id::varchar,
        $1:review_score::number(38, 0),
        $1:review_comment_title::varchar,
        $1:review_comment_message::varchar,
        $1:review_creation_date::timestamp_ntz,
        $1:review_answer_timestamp::timestamp_ntz,
        split_part(metadata$filename, '/', -2),
        metadata$file_row_number
    from @raw.loads
)
pattern = '.*/order_reviews[.]parquet'
file_format = (format_name = 'raw.landed');

copy into raw.customers from (
    select
        $1:customer_id::varchar,
        $1:customer_unique_id::varchar,
        $1:customer_zip_code_prefix::varchar,
        $1:customer_city::varchar,
        $1:customer_state::varchar,
        split_part(metadata$filename, '/', -2),
        metadata$file_row_number
    from @raw.loads
)
pattern = '.*/customers[.]parquet'
file_format = (format_name = 'raw.landed');

copy into raw.sellers from (
    select
        $1:seller_id::varchar,
        $1:seller_zip_code_prefix::varchar,
        $1:seller_city::varchar,
        $1:seller_state::varchar,
        split_part(metadata$filename, '/', -2),
        metadata$file_row_number
    from @raw.loads
)
pattern = '.*/sellers[.]parquet'
file_format = (format_name = 'raw.landed');

copy into raw.products from (
    select
        $1:product_id::varchar,
        $1:product_category_name::varchar,
        $1:product_name_length::number(38, 0),
        $1:product_description_length::number(38, 0),
        $1:product_photos_qty::number(38, 0),
        $1:product_weight_g::number(18, 3),
        $1:product_length_cm::number(18, 3),
        $1:product_height_cm::number(18, 3),
        $1:product_width_cm::number(18, 3),
        split_part(metadata$filename, '/', -2),
        metadata$file_row_number
    from @raw.loads
)
pattern = '.*/products[.]parquet'
file_format = (format_name = 'raw.landed');

copy into raw.geolocation from (
    select
        $1:geolocation_zip_code_prefix::varchar,
        $1:geolocation_lat::float,
        $1:geolocation_lng::float,
        $1:geolocation_city::varchar,
        $1:geolocation_state::varchar,
        split_part(metadata$filename, '/', -2),
        metadata$file_row_number
    from @raw.loads
)
pattern = '.*/geolocation[.]parquet'
file_format = (format_name = 'raw.landed');

copy into raw.product_category_name_translation from (
    select
        $1:product_category_name::varchar,
        $1:product_category_name_english::varchar,
        split_part(metadata$filename, '/', -2),
        metadata$file_row_number
    from @raw.loads
)
pattern = '.*/product_category_name_translation[.]parquet'
file_format = (format_name = 'raw.landed');

copy into raw.event_lines from @raw.journal
pattern = '.*[.]jsonl'
file_format = (format_name = 'raw.lines');
