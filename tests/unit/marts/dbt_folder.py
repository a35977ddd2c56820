"""A dbt project of one source and one model, as small as can be."""

from pathlib import Path

SETTINGS = """
name: small
version: "1.0"
config-version: 2
vars: {least: 1}
models: {+materialized: table, +schema: mart}
"""
SOURCES = "version: 2\nsources: [{name: raw, schema: raw, tables: [{name: levels}, {name: gauges}]}]\n"
MODEL = "select river, level from {{ source('raw', 'levels') }}"


def dbt_folder(folder: Path, files: dict[str, str]) -> Path:
    """The project in a new folder, with these files more, or instead."""
    own = {
        "dbt_project.yml": SETTINGS,
        "models/sources.yml": SOURCES,
        "models/rivers.sql": MODEL,
    }
    for name, text in (own | files).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder
