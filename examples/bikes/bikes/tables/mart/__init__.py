"""What dbt makes for people: the contracts; its models are in `dbt/`."""
