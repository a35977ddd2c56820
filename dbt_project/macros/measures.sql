{#- The measures that the marts share. Sums are of whole numbers and are divided once, so that the
    result does not depend on the order of rows; each is null where nothing was counted. -#}

{% macro mean(whole) -%}
    sum({{ whole }}) / nullif(count({{ whole }}), 0)
{%- endmacro %}

{#- Exact to the given number of decimals, for measures that come as floating point. -#}
{% macro mean_of_decimal(value, decimals) -%}
    cast(sum(cast({{ value }} as decimal(18, {{ decimals }}))) as double)
    / nullif(count({{ value }}), 0)
{%- endmacro %}

{% macro share(condition) -%}
    count(*) filter (where {{ condition }}) / nullif(count({{ condition }}), 0)
{%- endmacro %}

{#- Of the flights whose arrival delay is known, the share that came late. -#}
{% macro late_share() -%}
    {{ share('arr_delay_min >= ' ~ var('late_min')) }}
{%- endmacro %}

{#- 1 is the smallest value of its partition; equals share a rank; no rank where the value is null. -#}
{% macro rank_where_known(value, partition) -%}
    case when {{ value }} is not null
        then rank() over (partition by {{ partition }} order by {{ value }} asc nulls last)
    end
{%- endmacro %}
