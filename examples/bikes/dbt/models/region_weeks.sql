select
    region,
    week,
    count(*) as stations,
    cast(sum(rentals) as bigint) as rentals,
    sum(revenue) as revenue,
    sum(rentals) / sum(docks) as rentals_per_dock
from {{ source('feature', 'station_weeks') }}
inner join {{ source('raw', 'stations') }} using (station_id)
group by region, week
