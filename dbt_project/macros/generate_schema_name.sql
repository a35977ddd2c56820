{#- A schema is a layer of the lake, under exactly that name: `mart`, not dbt's `main_mart`. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}
