with by_day as (

    select
        origin,
        flight_date,
        count(*) as flights,
        count(*) filter (where is_cancelled) as cancelled,
        {{ mean('dep_delay_min') }} as mean_dep_delay_min,
        cast(quantile_disc(dep_delay_min, 0.9) as smallint) as p90_dep_delay_min,
        {{ late_share() }} as late_share
    from {{ source('feature', 'flights') }}
    group by origin, flight_date

),

by_hour as (

    select
        origin,
        flight_date,
        scheduled_hour,
        {{ mean('dep_delay_min') }} as mean_dep_delay_min
    from {{ source('feature', 'flights') }}
    where dep_delay_min is not null
    group by origin, flight_date, scheduled_hour

),

worst_hour as (

    select
        origin,
        flight_date,
        scheduled_hour as worst_hour
    from by_hour
    qualify row_number() over (
        partition by origin, flight_date order by mean_dep_delay_min desc, scheduled_hour asc
    ) = 1

),

weather as (

    select
        origin,
        cast(timezone('{{ var("zone") }}', observed_at) as date) as flight_date,
        {{ mean_of_decimal('temp', 2) }} as mean_temperature_f,
        cast(sum(cast(precip as decimal(9, 2))) as double) as precipitation_in,
        max(wind_speed) as max_wind_speed_mph,
        min(visib) as min_visibility_mi
    from {{ source('raw', 'weather') }}
    group by 1, 2

)

select
    by_day.origin,
    by_day.flight_date,
    by_day.flights,
    by_day.cancelled,
    by_day.mean_dep_delay_min,
    by_day.p90_dep_delay_min,
    by_day.late_share,
    cast(worst_hour.worst_hour as smallint) as worst_hour,
    weather.mean_temperature_f,
    weather.precipitation_in,
    weather.max_wind_speed_mph,
    weather.min_visibility_mi
from by_day
left join worst_hour using (origin, flight_date)
left join weather using (origin, flight_date)
