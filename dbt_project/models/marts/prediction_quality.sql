-- The label is a column of the features, so the model is judged by the label that it was trained on.
with judged as (

    select
        predictions.month,
        features.carrier,
        features.is_late,
        predictions.probability_late,
        predictions.probability_late - cast(features.is_late as integer) as error
    from {{ source('model', 'predictions') }} as predictions
    inner join {{ source('feature', 'delay_features') }} as features using (flight_id)
    where features.is_late is not null

)

select
    month,
    carrier,
    count(*) as flights,
    {{ mean_of_decimal('probability_late', 12) }} as mean_probability,
    {{ share('is_late') }} as late_share,
    {{ mean_of_decimal('error * error', 12) }} as brier_score
from judged
group by month, carrier
