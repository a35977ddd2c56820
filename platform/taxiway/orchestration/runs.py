"""A Dagster run in this process: what is to be run, what happens while it runs, and what came of it. Prints nothing."""

import select
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal
from uuid import uuid4

import dagster as dg
from dagster._core.remote_origin import CodeLocationOrigin

from taxiway.addresses import Address
from taxiway.lake import WHOLE
from taxiway.orchestration.events import FAILING_RULES
from taxiway.orchestration.origin import attribute
from taxiway.orchestration.table_asset import ACCEPT_FEWER_TAG, ENGINE_TAG, FORCE_TAG, GOES_ON_TAG, REBUILD_TAG
from taxiway.tables import Project

# What happens is told by events; the log lines that repeat it are kept for the UI.
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
_RANGE_START, _RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
_STATUS, _SAMPLES = "status", "samples"

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class RunEvent:
    """Something that happened in a run.

    A `step` started, was finished, failed, was interrupted or is tried again, or one `partition` of a
    table (None where it has none) is up to date or has a `warning`. `step` is the address of the step's
    table, or the step's own name where it makes several. `metadata` is the partition's, `samples` are
    rows that broke a rule, by rule.
    """

    kind: Literal["started", "partition", "warning", "finished", "failed", "interrupted", "again"]
    step: str
    table: str = ""
    partition: str | None = None
    seconds: float = 0.0
    message: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    samples: Mapping[str, Rows] = field(default_factory=dict)


@dataclass(frozen=True)
class RunRequest:
    """Which tables to materialise for which consecutive months (none where no table has months), and how.

    `goes_on` says that whoever asks goes on by itself where partitions are refused.
    """

    tables: tuple[Address, ...]
    months: tuple[str, ...] = ()
    force: bool = False
    rebuild: bool = False
    accept_fewer: bool = False
    engine: str | None = None
    goes_on: bool = False

    @property
    def tags(self) -> dict[str, str]:
        """What a run's steps read, as tags."""
        tags = {FORCE_TAG: "true"} if self.force else {}
        tags |= {REBUILD_TAG: "true"} if self.rebuild else {}
        tags |= {ACCEPT_FEWER_TAG: "true"} if self.accept_fewer else {}
        tags |= {ENGINE_TAG: self.engine} if self.engine else {}
        tags |= {GOES_ON_TAG: "true"} if self.goes_on else {}
        if len(self.months) > 1:
            tags |= {_RANGE_START: self.months[0], _RANGE_END: self.months[-1]}
        return tags


def widen(
    definitions: dg.Definitions, project: Project, tables: Iterable[Address], *, upstream: bool, downstream: bool
) -> tuple[Address, ...]:
    """The tables and, where asked for, all that they depend on and all that depends on them, marts included."""
    selection = chosen = dg.AssetSelection.assets(*(dg.AssetKey([table.layer, table.name]) for table in tables))
    if upstream:
        chosen |= selection.upstream()
    if downstream:
        chosen |= selection.downstream()
    found = chosen.resolve(definitions.resolve_asset_graph())
    return tuple(sorted(address for key in found if (address := Address(*key.path)) in project.by_address))


def execute(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    project: Project,
    request: RunRequest,
    tell: Callable[[RunEvent], None],
    location: CodeLocationOrigin | None = None,
) -> bool:
    """Run in this process, recorded in the instance, telling each event as it happens; returns whether it succeeded.

    The UI counts the run among those of the code location.
    """
    run_id = str(uuid4())
    with _interrupts() as interrupted:
        if location is not None:
            repository = definitions.get_repository_def().name
            instance.add_event_listener(run_id, _first(partial(attribute, instance, run_id, repository, location)))
        instance.add_event_listener(run_id, _Teller(project, request.months, tell, interrupted).hear)
        result = definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance,
            run_id=run_id,
            asset_selection=[dg.AssetKey([table.layer, table.name]) for table in request.tables],
            partition_key=request.months[0] if len(request.months) == 1 else None,
            tags=request.tags,
            run_config=_QUIET,
            raise_on_error=False,
        )
    return result.success


def _first(act: Callable[[], None]) -> Callable[[dg.EventLogEntry], None]:
    """A listener that acts on the first event alone, when the run has been recorded."""
    waiting = [act]

    def hear(_: dg.EventLogEntry) -> None:
        while waiting:
            waiting.pop()()

    return hear


@contextmanager
def _interrupts() -> Iterator[Callable[[], bool]]:
    """Whether this process was interrupted during the block.

    Dagster turns a signal into an error, and one that is raised in a destructor is lost; this is not.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    hearing, telling = socket.socketpair()
    with hearing, telling:
        hearing.setblocking(False)
        telling.setblocking(False)
        previous = signal.set_wakeup_fd(telling.fileno(), warn_on_full_buffer=False)
        try:
            yield lambda: bool(select.select([hearing], [], [], 0)[0])
        finally:
            signal.set_wakeup_fd(previous)


class _Teller:
    """Turns Dagster's log into the events of a run."""

    def __init__(
        self,
        project: Project,
        months: Sequence[str],
        tell: Callable[[RunEvent], None],
        interrupted: Callable[[], bool],
    ) -> None:
        self._tables = {relation: table.at for relation, table in project.by_relation.items()}
        self._months = frozenset(months)
        self._tell = tell
        self._interrupted = interrupted
        self._started: dict[str, float] = {}
        self._samples: dict[str, dict[str, Rows]] = {}
        self._checked: set[tuple[str, dg.AssetCheckKey]] = set()

    def hear(self, entry: dg.EventLogEntry) -> None:
        """Tell what an entry of the log says, if it says anything."""
        event = entry.dagster_event
        if event is None or event.step_key is None:
            return
        step = self._tables.get(event.step_key, event.step_key)
        seconds = entry.timestamp - self._started.get(step, entry.timestamp)
        if event.is_step_start:
            self._checked.clear()
            self._started[step] = entry.timestamp
            if self._interrupted():
                raise KeyboardInterrupt
            self._tell(RunEvent("started", step))
        elif event.is_step_materialization:
            self._tell_partition(step, event.step_materialization_data.materialization)
        elif event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            self._hear_check(step, event.asset_check_evaluation_data)
        elif event.is_step_success:
            self._tell(RunEvent("finished", step, seconds=seconds))
        elif event.is_step_up_for_retry:
            error = event.step_retry_data.error
            self._tell(RunEvent("again", step, seconds=seconds, message=(error.cause or error).message.strip()))
        elif event.is_step_failure:
            failure, samples = event.step_failure_data, self._samples.get(step, {})
            kind = "interrupted" if failure.error_source.name == "INTERRUPT" else "failed"
            self._tell(RunEvent(kind, step, seconds=seconds, message=_why(failure), samples=samples))

    def _tell_partition(self, step: str, found: dg.AssetMaterialization) -> None:
        metadata = {name: value.value for name, value in found.metadata.items()}
        # Dagster adds an event of its own for a step over a range; those of the partitions say what was done.
        if _STATUS in metadata:
            table = "/".join(found.asset_key.path)
            self._tell(RunEvent("partition", step, table, found.partition, metadata=metadata))

    def _hear_check(self, step: str, check: dg.AssetCheckEvaluation) -> None:
        if check.passed:
            return
        rules = check.metadata.get(FAILING_RULES)
        # A step evaluates each month and then, once or twice, all of them.
        is_news = check.partition is None and (step, check.asset_check_key) not in self._checked
        if is_news:
            self._checked.add((step, check.asset_check_key))
        for record in rules.records if isinstance(rules, dg.TableMetadataValue) and is_news else ():
            broken = dict(record.data)
            partition = None if broken["partition"] == WHOLE else str(broken["partition"])
            # The check tells of all published partitions; what this run was not about is not its news.
            if broken["severity"] == "warn" and (partition is None or partition in self._months):
                counted = f" ({broken['count']:,} of {broken['rows']:,} rows)" if broken["rows"] is not None else ""
                message = f"{broken['rule']}{counted}"
                table = "/".join(check.asset_key.path)
                self._tell(RunEvent("warning", step, table, partition, message=message))
        for name, value in check.metadata.items():
            if name.startswith(_SAMPLES) and isinstance(value, dg.TableMetadataValue):
                label = name.removeprefix(_SAMPLES).strip() or check.check_name
                rows = [dict(record.data) for record in value.records]
                self._samples.setdefault(step, {})[label] = rows


def _why(data: Any) -> str:
    if data.user_failure_data is not None:
        return data.user_failure_data.description or ""
    error = data.error.cause or data.error
    return f"{error.message.strip()} (unexpected; its traceback is in the log of the run)"
