"""Build and test marts with dbt in a scratch DuckDB file that lives for one run. Publishes nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from taxiway.engines.duckdb import identifier, reach
from taxiway.errors import MartsFailed
from taxiway.marts.invoke import Result, invoke_dbt
from taxiway.marts.locked import lock_down, seeds
from taxiway.marts.project import SCRATCH_FILE, DbtProject
from taxiway.marts.sql import problems
from taxiway.storage import Store

Register = Callable[[duckdb.DuckDBPyConnection], None]


@dataclass(frozen=True)
class Build:
    """Marts as dbt built them in a file in `folder`, each as a relation there, and the results of models and tests in
    their order."""

    folder: Path
    relations: Mapping[str, str]
    results: tuple[Result, ...]

    @property
    def failures(self) -> tuple[Result, ...]:
        """The models that were not built and the tests that failed or were not run."""
        return tuple(result for result in self.results if not result.passed)

    def tests_of(self, mart: str) -> tuple[Result, ...]:
        """The results of the mart's tests."""
        return tuple(result for result in self.results if result.kind == "test" and result.model == mart)

    def rows(self, mart: str) -> pa.Table:
        """The rows of a mart."""
        return self.query(f"FROM {self.relations[mart]}")

    def types(self, mart: str) -> Mapping[str, str]:
        """DuckDB's types of a mart's columns."""
        described = self.query(f"DESCRIBE {self.relations[mart]}").to_pylist()
        return {row["column_name"]: row["column_type"] for row in described}

    def query(self, sql: str) -> pa.Table:
        """The result of SQL over marts and sources."""
        # Not to read only: some of dbt's connections may outlive its command, and DuckDB lets a process open a file in
        # one way at a time.
        with duckdb.connect(str(self.folder / SCRATCH_FILE)) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            return connection.execute(sql).to_arrow_table()


def build_marts(
    project: DbtProject,
    marts: Sequence[str],
    *,
    scratch: Path,
    register: Register,
    lake: Store,
    variables: Mapping[str, object],
) -> Build:
    """Build these marts and run all their tests in a new DuckDB file in the folder `scratch`.

    `register` gives the file its sources: a view `flights` in the schema `feature` for `feature/flights`; their files
    lie in the `lake`.
    `variables` are the project's variables and the profile's `threads` and `memory_limit`. Failing
    models and tests are in the result; raises MartsFailed where dbt itself fails.
    """
    file = scratch / SCRATCH_FILE
    with duckdb.connect(str(file)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        reach(connection, lake)
        register(connection)
        # As long as this connection is open, what it was locked down to holds for dbt's too.
        lock_down(connection, [scratch, *seeds(project.folder)], lake)
        done = invoke_dbt(
            project.folder,
            "build",
            target=scratch / "target",
            variables=dict(variables) | {"scratch": str(file)},
            state=project.state,
            # Only tests whose models are all built here: a shared source makes a test of another mart selectable too.
            options=[
                "--no-write-json",
                "--indirect-selection",
                "cautious",
                "--select",
                *(f"+{name}" for name in marts),
            ],
        )
    if done.problem:
        raise MartsFailed(f"dbt failed, no mart was published: {done.problem}")
    # What is compiled with this run's values may be other SQL than what was looked at when the project was prepared.
    told = [f"{r.name}: {told}" for r in done.results if r.kind != "unit_test" for told in problems(r.sql, None)]
    if told:
        raise MartsFailed(f"no mart was published, as they would not be the same again: {'; '.join(told)}")
    relations = {name: ".".join(map(identifier, project.model(name).relation)) for name in marts}
    return Build(scratch, relations, done.results)
