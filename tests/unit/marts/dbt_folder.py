"""A dbt project of one source and one model, as small as can be."""

from pathlib import Path

SETTINGS = """
name: small
version: "1.0"
config-version: 2
profile: taxiway
vars: {least: 1}
models: {+materialized: table, +schema: mart}
"""
PROFILES = """
taxiway:
  target: scratch
  outputs:
    scratch: {type: duckdb, path: "{{ var('scratch', 'x') }}", threads: 2, settings: {TimeZone: UTC}}
"""
SOURCES = "version: 2\nsources: [{name: raw, schema: raw, tables: [{name: levels}, {name: gauges}]}]\n"
SCHEMA = "{% macro generate_schema_name(name, node) %}{{ name or target.schema }}{% endmacro %}"
MODEL = "select river, level from {{ source('raw', 'levels') }}"


def dbt_folder(folder: Path, files: dict[str, str]) -> Path:
    """The project in a new folder, with these files more, or instead."""
    own = {
        "dbt_project.yml": SETTINGS,
        "profiles.yml": PROFILES,
        "models/sources.yml": SOURCES,
        "models/rivers.sql": MODEL,
        "macros/schema.sql": SCHEMA,
    }
    for name, text in (own | files).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder
