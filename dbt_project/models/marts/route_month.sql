with by_month as (

    select
        origin,
        dest,
        month,
        cast(max(distance_mi) as smallint) as distance_mi,
        count(*) as flights,
        {{ share('is_cancelled') }} as cancelled_share,
        {{ mean('arr_delay_min') }} as mean_arr_delay_min,
        {{ late_share() }} as late_share
    from {{ source('feature', 'flights') }}
    group by origin, dest, month

)

select
    origin,
    dest,
    month,
    distance_mi,
    flights,
    cancelled_share,
    mean_arr_delay_min,
    late_share,
    {{ rank_where_known('late_share', 'month') }} as punctuality_rank
from by_month
