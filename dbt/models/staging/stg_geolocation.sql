{#- The source has no key: a point is all of its columns, and counts once however often it is repeated. -#}
{%- set point = [
    'geolocation_zip_code_prefix', 'geolocation_lat', 'geolocation_lng',
    'geolocation_city', 'geolocation_state'
] -%}
{{ config(cluster_by='geolocation_zip_code_prefix') }}

with source as (
    select * from {{ source('raw', 'geolocation') }}
    {{ incremental_filter() }}
),

-- A city is cleaned once per spelling, not once per point: the cleaning is what costs here.
cities as (
    select
        geolocation_city,
        {{ city('geolocation_city') }} as clean_city
    from source
    group by geolocation_city
),

cleaned as (
    select distinct
        {{ zip_prefix('source.geolocation_zip_code_prefix') }} as geolocation_zip_code_prefix,
        {{ degrees('source.geolocation_lat') }} as geolocation_lat,
        {{ degrees('source.geolocation_lng') }} as geolocation_lng,
        cities.clean_city as geolocation_city,
        {{ state('source.geolocation_state') }} as geolocation_state
    from source
    left join cities on source.geolocation_city = cities.geolocation_city
),

-- Points outside the bounding box of Brazil and its islands are typing errors of the source.
in_brazil as (
    select * from cleaned
    where
        geolocation_lat between -34.0 and 5.5
        and geolocation_lng between -74.1 and -28.6
        and geolocation_zip_code_prefix is not null
),

final as (
    select {{ point | join(', ') }} from in_brazil
    {% if is_incremental() %}
    {{ except_distinct() }}
    select {{ point | join(', ') }} from {{ this }}
    {% endif %}
)

select * from final
