"""A Dagster run in this process: what is to be run, what happens while it runs, and what came of it. Prints nothing."""

import select
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from uuid import uuid4

import dagster as dg
from dagster._core.remote_origin import CodeLocationOrigin

from taxiway.addresses import Address
from taxiway.orchestration.keys import to_dagster
from taxiway.orchestration.origin import attribute
from taxiway.orchestration.run_events import RunEvent, Teller
from taxiway.orchestration.table_asset import ACCEPT_FEWER_TAG, ENGINE_TAG, FORCE_TAG, GOES_ON_TAG, REBUILD_TAG
from taxiway.tables import Project
from taxiway.users import USER_TAG, account

# What happens is told by events; the log lines that repeat it are kept for the UI.
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
_RANGE_START, _RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


@dataclass(frozen=True)
class RunRequest:
    """Which tables to materialise for which consecutive partitions of one grain (none where no table has any), and how.

    `goes_on` says that whoever asks goes on by itself where partitions are refused.
    """

    tables: tuple[Address, ...]
    partitions: tuple[str, ...] = ()
    force: bool = False
    rebuild: bool = False
    accept_fewer: bool = False
    engine: str | None = None
    goes_on: bool = False

    @property
    def tags(self) -> dict[str, str]:
        """What a run's steps read, as tags."""
        tags = {USER_TAG: account()} | ({FORCE_TAG: "true"} if self.force else {})
        tags |= {REBUILD_TAG: "true"} if self.rebuild else {}
        tags |= {ACCEPT_FEWER_TAG: "true"} if self.accept_fewer else {}
        tags |= {ENGINE_TAG: self.engine} if self.engine else {}
        tags |= {GOES_ON_TAG: "true"} if self.goes_on else {}
        if len(self.partitions) > 1:
            tags |= {_RANGE_START: to_dagster(self.partitions[0]), _RANGE_END: to_dagster(self.partitions[-1])}
        return tags

    @property
    def partition_key(self) -> str | None:
        """The one partition as Dagster calls it; None where there are several, or none."""
        return to_dagster(self.partitions[0]) if len(self.partitions) == 1 else None


def asset_keys(tables: Iterable[Address]) -> list[dg.AssetKey]:
    """The tables as Dagster names them."""
    return [dg.AssetKey([table.layer, table.name]) for table in tables]


def widen(
    definitions: dg.Definitions, project: Project, tables: Iterable[Address], *, upstream: bool, downstream: bool
) -> tuple[Address, ...]:
    """The tables and, where asked for, all that they depend on and all that depends on them, marts included."""
    selection = chosen = dg.AssetSelection.assets(*asset_keys(tables))
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
        instance.add_event_listener(run_id, Teller(project, request.partitions, tell, interrupted).hear)
        result = definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance,
            run_id=run_id,
            asset_selection=asset_keys(request.tables),
            partition_key=request.partition_key,
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
