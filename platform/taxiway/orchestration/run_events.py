"""What happens in a run, read from Dagster's log: in the process that executes it, or while another does."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import dagster as dg

from taxiway.lake import WHOLE
from taxiway.orchestration.events import FAILING_RULES
from taxiway.orchestration.keys import from_dagster
from taxiway.tables import Project

_STATUS, _SAMPLES = "status", "samples"

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class RunEvent:
    """Something that happened in a run.

    A run, which `step` names, waits in the queue (`queued`), or is not followed any more though it goes on (`left`).
    A `step` started, was finished, failed, was interrupted or is tried again, or one `partition` of a
    table (None where it has none) is up to date or has a `warning`. `step` is the address of the step's
    table, or the step's own name where it makes several. `metadata` is the partition's, `samples` are
    rows that broke a rule, by rule.
    """

    kind: Literal["queued", "started", "partition", "warning", "finished", "failed", "interrupted", "again", "left"]
    step: str
    table: str = ""
    partition: str | None = None
    seconds: float = 0.0
    message: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    samples: Mapping[str, Rows] = field(default_factory=dict)


class Teller:
    """Turns Dagster's log into the events of a run."""

    def __init__(
        self,
        project: Project,
        partitions: Sequence[str],
        tell: Callable[[RunEvent], None],
        interrupted: Callable[[], bool] = lambda: False,
    ) -> None:
        """Tells of a run that is about these partitions; where this process executes it, `interrupted` says whether
        that was asked to end."""
        self._tables = {relation: table.at for relation, table in project.by_relation.items()}
        self._partitions = frozenset(partitions)
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
            partition = from_dagster(found.partition) if found.partition is not None else None
            self._tell(RunEvent("partition", step, table, partition, metadata=metadata))

    def _hear_check(self, step: str, check: dg.AssetCheckEvaluation) -> None:
        if check.passed:
            return
        rules = check.metadata.get(FAILING_RULES)
        # A step evaluates each partition and then, once or twice, all of them.
        is_news = check.partition is None and (step, check.asset_check_key) not in self._checked
        if is_news:
            self._checked.add((step, check.asset_check_key))
        for record in rules.records if isinstance(rules, dg.TableMetadataValue) and is_news else ():
            broken = dict(record.data)
            partition = None if broken["partition"] == WHOLE else str(broken["partition"])
            # The check tells of all published partitions; what this run was not about is not its news.
            if broken["severity"] == "warn" and (partition is None or partition in self._partitions):
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
