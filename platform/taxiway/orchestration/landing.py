"""The delivered files as Dagster sees them: the beginnings of the lineage, with what is known of them.

Checks say whether every file can be read, whether all that lies there belongs to a table, and whether the marts hold
what was delivered. They look at the landing zone and the lake, so they give the same answer to the sensor, to a run
and after a restart.
"""

from collections.abc import Collection, Container, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from taxiway.lake import WHOLE
from taxiway.landing import Listing
from taxiway.materialise import Workspace
from taxiway.materialise.delivered import Unexpected, in_short, raw_tables, unexpected
from taxiway.orchestration.deliveries import DeliveryStatus, Landed, Waiting, blocked_files, landed_files, marts
from taxiway.orchestration.events import delivery, table_of
from taxiway.orchestration.keys import asset_key, landing_key, source_key
from taxiway.orchestration.partitions import partitions_of
from taxiway.tables import Table

READABLE = "readable"
FRESH = "fresh"
EXPECTED = "expected"
_SHOWN = 20


def landing_assets(workspace: Workspace) -> list[dg.AssetSpec]:
    """An external asset for each kind of delivered file; others deliver it, the landing sensor reports it.

    It is fresh while the landing zone was looked at within `fresh_hours`, whether anything was new or not.
    """
    settings = workspace.settings
    return [
        dg.AssetSpec(
            landing_key(table),
            deps=[source_key(table)] if table.source is not None else [],
            description=f"Delivered by the publisher as {table.files.name}, {table.files.kind}.",
            group_name="landing",
            kinds={table.files.kind.split()[0].lower()},
            partitions_def=partitions_of(workspace.calendar, table),
            metadata={"dagster/uri": settings.landing.address(table.files.name)},
            freshness_policy=dg.FreshnessPolicy.time_window(timedelta(hours=settings.fresh_hours)),
        )
        for table in raw_tables(workspace.project)
        if table.files is not None
    ]


def landing_checks(workspace: Workspace) -> list[dg.AssetChecksDefinition]:
    """The checks of delivered files, and of what the marts hold of them; the landing sensor reports them too."""
    hours = f"{workspace.settings.fresh_hours:g} hours"
    readable = [
        dg.AssetCheckSpec(READABLE, asset=landing_key(table), description="Every delivered file can be read.")
        for table in raw_tables(workspace.project)
    ]
    expected = [
        dg.AssetCheckSpec(
            EXPECTED,
            asset=landing_key(table),
            description="All that lies in the landing zone is a file of a table, for a partition that is over.",
        )
        for table in raw_tables(workspace.project)
    ]
    fresh = [
        dg.AssetCheckSpec(FRESH, asset=asset_key(mart), description=f"It holds all that was delivered {hours} ago.")
        for mart in marts(workspace.project)
    ]
    return [_look("landing_zone", [*readable, *expected]), *([_look("marts_fresh", fresh)] if fresh else [])]


def _look(name: str, specs: Sequence[dg.AssetCheckSpec]) -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(name=name, specs=specs, can_subset=True, required_resource_keys={"workspace"})
    def checks(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        workspace: Workspace = context.resources.workspace
        wanted = context.op_execution_context.selected_asset_check_keys
        listing = workspace.landing.listing()
        landed = landed_files(workspace, listing)
        for found in evaluate(DeliveryStatus(workspace), listing, landed, wanted=wanted):
            yield dg.AssetCheckResult(
                asset_key=found.asset_key,
                check_name=found.check_name,
                passed=found.passed,
                severity=found.severity,
                description=found.description,
                metadata=found.metadata,
            )

    return checks


def evaluate(
    status: DeliveryStatus,
    listing: Listing,
    landed: Sequence[Landed],
    *,
    unread: Collection[Landed] = (),
    wanted: Container[dg.AssetCheckKey] | None = None,
) -> Iterator[dg.AssetCheckEvaluation]:
    """The wanted checks (all by default) of what lies in the landing zone, given its files that belong to tables.

    Of those that are `unread` nothing is said but how many they are.
    """
    workspace = status.workspace
    blocked, others = blocked_files(workspace, listing), unexpected(workspace, listing)
    for table in raw_tables(workspace.project):
        if wanted is None or dg.AssetCheckKey(landing_key(table), READABLE) in wanted:
            own = [each for each in landed if each.table is table]
            problems = {each.file.name: status.problem(each) for each in own if each not in unread}
            problems |= {name: why for name, (owners, why) in blocked.items() if table in owners}
            yield _readable(table, problems, sum(each in unread for each in own))
        if wanted is None or dg.AssetCheckKey(landing_key(table), EXPECTED) in wanted:
            yield _expected(table, [each for each in others if each.table in (table, None)])
    by_partition = _by_partition(landed)
    for mart in marts(workspace.project):
        if wanted is None or dg.AssetCheckKey(asset_key(mart), FRESH) in wanted:
            waiting = status.waiting_for(by_partition, mart)
            is_built = status.state(mart, WHOLE) is not None
            hours = workspace.settings.fresh_hours
            yield _fresh(mart, waiting, hours, is_built=is_built, passed_over=len(blocked) + len(others))


def materializations(told: Sequence[Landed], landed: Sequence[Landed]) -> Iterator[dg.AssetMaterialization]:
    """What Dagster is told of some of the delivered files: an event for each partition, of all its files."""
    files = _by_partition(landed)
    for table, partition in dict.fromkeys((each.table, each.partition) for each in told):
        own = files[table, partition]
        metadata = {
            "bytes": sum(each.file.size for each in own),
            "delivered_at": dg.MetadataValue.timestamp(max(each.at for each in own)),
            "checked_at": dg.MetadataValue.timestamp(datetime.now(UTC)),
        }
        yield delivery(landing_key(table), partition, {each.file.name: each.digest for each in own}, metadata)


def _by_partition(landed: Sequence[Landed]) -> dict[tuple[Table, str], list[Landed]]:
    found: dict[tuple[Table, str], list[Landed]] = {}
    for each in landed:
        found.setdefault((each.table, each.partition), []).append(each)
    return found


def _readable(table: Table, problems: dict[str, str], unread: int) -> dg.AssetCheckEvaluation:
    broken = {name: problem for name, problem in problems.items() if problem}
    shown: list[dict[str, Any]] = [{"file": name, "problem": broken[name]} for name in list(broken)[:_SHOWN]]
    told = [row["problem"] for row in shown] or [f"{len(problems)} files can be read"]
    if len(broken) > _SHOWN:
        told.append(f"and {len(broken) - _SHOWN:,} more that cannot be read")
    if unread:
        told.append(f"{unread:,} more are yet to be read")
    return dg.AssetCheckEvaluation(
        asset_key=landing_key(table),
        check_name=READABLE,
        passed=not broken,
        description="; ".join(told),
        metadata={"unreadable_files": table_of(shown)} if shown else {},
    )


def _expected(table: Table, others: Sequence[Unexpected]) -> dg.AssetCheckEvaluation:
    """What is near no name may be meant for any table, so each of them tells it."""
    rows: list[dict[str, Any]] = [{"name": each.name, "problem": each.why} for each in others[:_SHOWN]]
    return dg.AssetCheckEvaluation(
        asset_key=landing_key(table),
        check_name=EXPECTED,
        passed=not others,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(in_short(others)) or "nothing lies there that belongs to no table",
        metadata={"unexpected": table_of(rows)} if rows else {},
    )


def _fresh(
    mart: Table, waiting: Sequence[Waiting], hours: float, *, is_built: bool, passed_over: int
) -> dg.AssetCheckEvaluation:
    now = datetime.now(UTC)
    late = [each for each in waiting if now - each.since > timedelta(hours=hours)]
    if late:
        description = f"waiting for more than {hours:g} hours: {late[0].what}"
    elif not is_built:
        description = "it has not been built yet"
    elif waiting:
        description = f"{len(waiting)} changes are on their way"
    else:
        description = f"it holds all that {'could be read of what ' if passed_over else ''}was delivered"
    if passed_over:
        description += f"; what it cannot hold, see the checks of the delivered files: {passed_over:,} in number"
    rows: list[dict[str, Any]] = [{"waiting": each.what, "since": each.since.isoformat()} for each in waiting[:_SHOWN]]
    return dg.AssetCheckEvaluation(
        asset_key=asset_key(mart),
        check_name=FRESH,
        passed=is_built and not late,
        severity=dg.AssetCheckSeverity.WARN,
        description=description,
        metadata={"checked_at": dg.MetadataValue.timestamp(now)} | ({"waiting": table_of(rows)} if rows else {}),
    )
