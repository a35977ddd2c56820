{#- The counts in `column_name` add up to the rows of `source_model`: a join has lost and doubled nothing. -#}
{% test counts_every_row_of(model, column_name, source_model) %}
with counted as (select coalesce(sum({{ column_name }}), 0) as counted from {{ model }}),
expected as (select count(*) as expected from {{ source_model }})
select counted, expected
from counted cross join expected
where counted <> expected
{% endtest %}
