"""dbt's DuckDB file, locked down as every session is: it reads the lake and the project's seeds, and nothing else."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb

from taxiway.engines.duckdb import literal
from taxiway.marts.files import configured, packages
from taxiway.storage import Store


def lock_down(connection: duckdb.DuckDBPyConnection, reads: Sequence[Path], lake: Store | None = None) -> None:
    """Let nobody in this process reach more than the lake and these files and folders through the connection's
    database.

    It holds for every connection to the same file while this one is open, dbt's among them. The configuration itself
    stays open, as dbt sets its profile's settings on each connection; these limits cannot be lifted.
    """
    places = [*([f"{lake.uri}/"] if lake is not None else []), *(path for path in reads if path.is_dir())]
    folders = ", ".join(literal(str(place)) for place in places)
    files = ", ".join(literal(str(path)) for path in reads if not path.is_dir())
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    connection.execute("SET GLOBAL python_enable_replacements = false")
    connection.execute(f"SET allowed_directories = [{folders}]")
    connection.execute(f"SET allowed_paths = [{files}]")
    connection.execute("SET enable_external_access = false")


def seeds(folder: Path) -> Iterator[Path]:
    """The seeds of a project and its packages, which dbt has DuckDB read."""
    for project in (folder, *packages(folder)):
        for path in configured(project):
            yield from path.rglob("*.csv")
