-- Before each build: the loads that the tables do not have yet, and the events that the views of `live` are to add.
create or replace table control.new_loads as
select _load_id as load_id from raw.orders
union select _load_id from raw.order_items
union select _load_id from raw.order_payments
union select _load_id from raw.order_reviews
union select _load_id from raw.customers
union select _load_id from raw.sellers
union select _load_id from raw.products
union select _load_id from raw.geolocation
union select _load_id from raw.product_category_name_translation
except select load_id from control.built_loads;

create or replace table control.journal as
select
    (select max(seq) from raw.events) as up_to,
    '(select * from raw.events where event_id || coalesce(chr(10) || sender, '''') not in '
    || '(select event_id || coalesce(chr(10) || sender, '''') from staging.stg_events))' as since;
