{#- Every value that is not null lies between `at_least` and `at_most`, both included; either may be left out. -#}
{% test between(model, column_name, at_least=none, at_most=none) %}
select {{ column_name }}
from {{ model }}
where false
    {% if at_least is not none %}or {{ column_name }} < {{ at_least }}{% endif %}
    {% if at_most is not none %}or {{ column_name }} > {{ at_most }}{% endif %}
{% endtest %}
