select
    origin,
    cast(scheduled_weekday as smallint) as scheduled_weekday,
    cast(scheduled_hour as smallint) as scheduled_hour,
    count(*) as flights,
    {{ mean('dep_delay_min') }} as mean_dep_delay_min,
    {{ late_share() }} as late_share
from {{ source('feature', 'flights') }}
group by origin, scheduled_weekday, scheduled_hour
