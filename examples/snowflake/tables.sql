-- Rendered from the contract by `make docs`. Change it there, not here.

create schema if not exists raw;

create schema if not exists control;

create table if not exists raw.orders (
    order_id varchar,
    customer_id varchar,
    order_status varchar,
    order_purchase_timestamp timestamp_ntz,
    order_approved_at timestamp_ntz,
    order_delivered_carrier_date timestamp_ntz,
    order_delivered_customer_date timestamp_ntz,
    order_estimated_delivery_date timestamp_ntz,
    _load_id varchar,
    _row number(38, 0)
);

create table if not exists raw.order_items (
    order_id varchar,
    order_item_id number(38, 0),
    product_id varchar,
    seller_id varchar,
    shipping_limit_date timestamp_ntz,
    price number(18, 2),
    freight_value number(18, 2),
    _load_id varchar,
    _row number(38, 0)
);

create table if not exists raw.order_payments (
    order_id varchar,
    payment_sequential number(38, 0),
    payment_type varchar,
    payment_installments number(38, 0),
    payment_value number(18, 2),
    _load_id varchar,
    _row number(38, 0)
);

create table if not exists raw.order_reviews (
    review_id varchar,
    order_id varchar,
    review_score number(38, 0),
    review_comment_title varchar,
    review_comment_message varchar,
    review_creation_date timestamp_ntz,
    review_answer_timestamp timestamp_ntz,
    _load_id varchar,
    _row number(38, 0)
);

create table if not exists raw.customers (
    customer_id varchar,
    customer_unique_id varchar,
    customer_zip_code_prefix varchar,
    customer_city varchar,
    customer_state varchar,
    _load_id varchar,
    _row number(38, 0)
);

create table if not exists raw.sellers (
    seller_id varchar,
    seller_zip_code_prefix varchar,
    seller_city varchar,
    seller_state varchar,
    _load_id varchar,
    _row number(38, 0)
);

create table if not exists raw.products (
    product_id varchar,
    product_category_name varchar,
    product_name_length number(38, 0),
    product_description_length number(38, 0),
    product_photos_qty number(38, 0),
    product_weight_g number(18, 3),
    product_length_cm number(18, 3),
    product_height_cm number(18, 3),
    product_width_cm number(18, 3),
    _load_id varchar,
    _row number(38, 0)
);

create table if not exists raw.geolocation (
    geolocation_zip_code_prefix varchar,
    geolocation_lat float,
    geolocation_lng float,
    geolocation_city varchar,
    geolocation_state varchar,
    _load_id varchar,
    _row number(38, 0)
);

create table if not exists raw.product_category_name_translation (
    product_category_name varchar,
    product_category_name_english varchar,
    _load_id varchar,
    _row number(38, 0)
);

create table if not exists raw.event_lines (
    line variant
);

create or replace view raw.events as (
    select
        line:seq::number(38, 0) as seq,
        line:received_at::timestamp_tz as received_at,
        line:source::varchar as source,
        line:event_type::varchar as event_type,
        line:event_id::varchar as event_id,
        line:timestamp::timestamp_tz as timestamp,
        line:sender::varchar as sender,
        line:data as data,
        line:raw::varchar as raw
    from raw.event_lines
);
