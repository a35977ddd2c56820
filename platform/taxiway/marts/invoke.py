"""One dbt command, in this process: importing dbt and parsing a project anew for each command costs more than the work.

dbt keeps its connection and its configuration for the whole process, so only one command runs at a time.
"""

import json
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from taxiway.lake import Finding

if TYPE_CHECKING:
    from dbt.artifacts.schemas.run import RunResult

PROFILE = Path(str(files("taxiway.marts"))) / "profile" / "profiles.yml"
"""With what dbt builds every project."""

_KINDS = ("model", "seed", "test", "unit_test")
_PASSED = ("success", "pass", "warn")
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class Result:
    """What became of a model or seed, or of a test of `model` (empty where it is about several): dbt's status and
    message, failing rows, the SQL that was run, seconds."""

    kind: str
    name: str
    model: str
    status: str
    message: str
    failing_rows: int
    sql: str
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether it stands in nobody's way; a test of severity `warn` does not."""
        return self.status in _PASSED

    def as_finding(self) -> Finding:
        """A test that warns, as what is known of its mart, or of each mart where it is about several."""
        return Finding(self.name, str(self), count=self.failing_rows, kind="test" if self.model else "table")

    def __str__(self) -> str:
        """One sentence for people."""
        what = self.name if self.kind == "model" else f"{self.kind.replace('_', ' ')} {self.name}"
        lines = [" ".join(line.split()) for line in (self.message or self.status).splitlines()]
        return f"{what}: {' / '.join(line for line in lines if line)}"


@dataclass(frozen=True)
class Invocation:
    """What a dbt command did: the results of models and tests in their order.

    `problem` is what made the command itself fail, not a model or test; empty otherwise.
    """

    results: tuple[Result, ...]
    problem: str


def invoke_dbt(
    folder: Path,
    command: str,
    *,
    target: Path,
    variables: Mapping[str, object],
    state: bytes | None = None,
    options: Sequence[str] = (),
) -> Invocation:
    """Run a dbt command on the project in `folder`; what dbt writes goes to `target`.

    `variables` are dbt's `--vars`, `state` is a parsed state to start from.
    """
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.artifacts.schemas.run import RunExecutionResult
    from dbt.cli.main import dbtRunner
    from dbt.contracts.graph.manifest import Manifest

    arguments = [
        command,
        *("--project-dir", str(folder), "--profiles-dir", str(PROFILE.parent), "--profile", "taxiway"),
        *("--target", "scratch"),
        *("--target-path", str(target), "--log-path", str(target)),
        # dbt would write an identity of its user into the project.
        "--no-send-anonymous-usage-stats",
        *("--log-level", "none", "--log-level-file", "none", "--no-use-colors", "--no-populate-cache"),
        *("--vars", json.dumps(dict(variables))),
        *options,
    ]
    with _ONE_AT_A_TIME, _without_variables():
        try:
            done = dbtRunner(Manifest.from_msgpack(state) if state is not None else None).invoke(arguments)
        finally:
            DuckDBConnectionManager.close_all_connections()
    if done.exception is not None and not isinstance(done.exception, Exception):
        # dbt catches what is meant to end the process, too.
        raise done.exception
    found = done.result.results if isinstance(done.result, RunExecutionResult) else []
    return Invocation(
        results=tuple(_result(result) for result in found if result.node.resource_type in _KINDS),
        problem=str(done.exception).strip() if done.exception else "",
    )


@contextmanager
def _without_variables() -> Iterator[None]:
    """Hide dbt's own variables, which would be options of the command: DBT_EMPTY=1 makes every model empty."""
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("DBT_")}
    try:
        yield
    finally:
        os.environ.update(hidden)


def _result(result: "RunResult") -> Result:
    node = result.node
    about = node.unique_id
    if node.resource_type in ("test", "unit_test"):
        read = getattr(node.depends_on, "nodes", [])
        tested = getattr(node, "attached_node", None) or getattr(node, "tested_node_unique_id", None)
        about = tested or (read[0] if len(read) == 1 else "")
    return Result(
        kind=str(node.resource_type),
        name=node.name,
        model=about.rpartition(".")[2],
        status=str(result.status),
        message=(result.message or "").strip(),
        failing_rows=result.failures or 0,
        sql=getattr(node, "compiled_code", None) or "",
        seconds=result.execution_time,
    )
