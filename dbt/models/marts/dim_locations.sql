{{ config(cluster_by='zip_code_prefix') }}

with points as (
    select * from {{ ref('stg_geolocation') }}
),

-- A sum of decimals is exact, so the centroid does not depend on the order of the points.
centroids as (
    select
        geolocation_zip_code_prefix as zip_code_prefix,
        count(*) as points,
        sum({{ degrees_as_integer('geolocation_lat') }}) as latitudes,
        sum({{ degrees_as_integer('geolocation_lng') }}) as longitudes
    from points
    group by geolocation_zip_code_prefix
),

city_votes as (
    select
        geolocation_zip_code_prefix as zip_code_prefix,
        geolocation_city as city,
        count(*) as votes
    from points
    group by geolocation_zip_code_prefix, geolocation_city
),

cities as (
    select
        zip_code_prefix,
        city
    from city_votes
    qualify row_number() over (
        partition by zip_code_prefix order by city is null, votes desc, city asc
    ) = 1
),

state_votes as (
    select
        geolocation_zip_code_prefix as zip_code_prefix,
        geolocation_state as state,
        count(*) as votes
    from points
    group by geolocation_zip_code_prefix, geolocation_state
),

states as (
    select
        zip_code_prefix,
        state
    from state_votes
    qualify row_number() over (
        partition by zip_code_prefix order by state is null, votes desc, state asc
    ) = 1
),

final as (
    select
        centroids.zip_code_prefix,
        {{ ratio('centroids.latitudes', '100000000 * ' ~ wide('centroids.points'), 6) }} as latitude,
        {{ ratio('centroids.longitudes', '100000000 * ' ~ wide('centroids.points'), 6) }} as longitude,
        cities.city,
        states.state,
        centroids.points
    from centroids
    inner join cities on centroids.zip_code_prefix = cities.zip_code_prefix
    inner join states on centroids.zip_code_prefix = states.zip_code_prefix
)

select * from final
