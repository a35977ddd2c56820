with by_month as (

    select
        carrier,
        month,
        count(*) as flights,
        {{ share('is_cancelled') }} as cancelled_share,
        {{ mean('arr_delay_min') }} as mean_arr_delay_min,
        {{ late_share() }} as late_share
    from {{ source('feature', 'flights') }}
    group by carrier, month

)

select
    by_month.carrier,
    by_month.month,
    airlines.name as airline,
    by_month.flights,
    by_month.cancelled_share,
    by_month.mean_arr_delay_min,
    by_month.late_share,
    {{ rank_where_known('by_month.late_share', 'by_month.month') }} as punctuality_rank
from by_month
left join {{ source('raw', 'airlines') }} as airlines using (carrier)
