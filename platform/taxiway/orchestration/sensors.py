"""The sensors: one watches the landing zone and asks for raw tables, one asks for all that follows from them."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256

import dagster as dg

from taxiway.errors import DeliveryRefused
from taxiway.lake import WHOLE
from taxiway.landing import Delivery
from taxiway.materialise import Workspace
from taxiway.materialise.delivered import expected_files, in_short, raw_tables, unexpected
from taxiway.orchestration import landing
from taxiway.orchestration.deliveries import Fate, Landed, blocked_files
from taxiway.orchestration.keys import asset_key
from taxiway.orchestration.quiet import quiet
from taxiway.orchestration.sensor_memory import recall, remember
from taxiway.orchestration.table_asset import RANGE_END_TAG, RANGE_START_TAG
from taxiway.partitions import shift_month
from taxiway.tables import Table

LANDING_SENSOR = "landing_zone"
AUTOMATION_SENSOR = "follow_inputs"
FILES_TAG = "taxiway/landed"

# Of the time in which the landing zone must be looked at; more often would only fill the log.
_REPORTS_PER_FRESHNESS = 4
_LONGEST_TAG = 200


@dataclass(frozen=True)
class Seen:
    """A file at the last look: how it lay there, since when it has been so, the digest of what it last was as a whole,
    and whether that asked for a run.

    `since` (seconds since 1970) is by the clock of this machine, whatever date the file bears.
    """

    size: int
    modified_ns: int
    changed_ns: int = 0
    inode: int = 0
    since: float = 0.0
    settled: bool = False
    digest: str = ""
    asked: bool = False

    def file(self, name: str) -> Delivery:
        """The file as it lay there."""
        return Delivery(name, self.size, self.modified_ns, self.changed_ns, self.inode)


@dataclass(frozen=True)
class Cursor:
    """What the sensor remembers: the files by name, when it last reported (seconds since 1970), and a digest of what
    it said of all else that lies there.

    Forgetting it costs another look: what has been handled is known from the lake and from Dagster's runs.
    """

    files: Mapping[str, Seen] = field(default_factory=dict)
    reported: float = 0.0
    others: str = ""

    @classmethod
    def load(cls, text: str | None) -> "Cursor":
        """The cursor written by `dump`, an empty one for None."""
        raw = json.loads(text) if text else {}
        files = {name: Seen(**seen) for name, seen in raw.get("files", {}).items()}
        return cls(files, raw.get("reported", 0.0), raw.get("others", ""))

    def of(self, name: str) -> Seen:
        """A file as it was; one that was not there has no digest."""
        return self.files.get(name, Seen(0, 0))

    def dump(self) -> str:
        """The text that Dagster keeps."""
        return json.dumps(asdict(self), separators=(",", ":"))


def landing_sensor(workspace: Workspace) -> dg.SensorDefinition:
    """Looks at the landing zone; a new or changed file that has stopped growing asks for what is made from it.

    It reports each content once as a materialisation of the landing asset, and the checks of the landing
    zone whenever something changed. A file that cannot be read asks for nothing. Needs the resource `workspace`.
    """
    settings = workspace.settings

    @dg.sensor(
        name=LANDING_SENSOR,
        target=dg.AssetSelection.assets(*(asset_key(table) for table in raw_tables(workspace.project))),
        description="Looks at the landing zone: a new or changed file that has stopped growing asks for the raw "
        "partitions that are made from it. What it passed over, and why, is said by each of its ticks.",
        minimum_interval_seconds=max(1, round(settings.settle_seconds)),
        default_status=_status(workspace),
    )
    def landing_zone(context: dg.SensorEvaluationContext, workspace: dg.ResourceParam[Workspace]) -> dg.SensorResult:
        """A new or changed file asks for the raw partitions that are made from it."""
        seen = look(workspace, whole_cursor(context.instance, context.cursor))
        return dg.SensorResult(
            run_requests=seen.run_requests,
            skip_reason=seen.skip_reason,
            cursor=_short_cursor(context.instance, seen.cursor or "{}"),
            asset_events=seen.asset_events,
        )

    return landing_zone


def _short_cursor(instance: dg.DagsterInstance, cursor: str) -> str:
    """A cursor that fits a line, for one whose files are many."""
    raw = json.loads(cursor)
    reported = {"reported": raw.pop("reported", 0.0)}
    return json.dumps(reported | {"kept": remember(instance, LANDING_SENSOR, json.dumps(raw))}, separators=(",", ":"))


def whole_cursor(instance: dg.DagsterInstance, cursor: str | None) -> str | None:
    """The cursor that was shortened; None where what it stands for is not kept any more."""
    raw = json.loads(cursor) if cursor else {}
    if "kept" not in raw:
        return cursor
    kept = recall(instance, LANDING_SENSOR, raw["kept"])
    return json.dumps(json.loads(kept) | {"reported": raw["reported"]}) if kept is not None else None


def automation_sensor(workspace: Workspace) -> dg.AutomationConditionSensorDefinition:
    """Evaluates the tables' conditions where the project's code runs, as they are the project's own."""
    with quiet("use_user_code_server"):
        return dg.AutomationConditionSensorDefinition(
            AUTOMATION_SENSOR,
            target=dg.AssetSelection.all(),
            description="What depends on something that has changed is asked for.",
            default_status=_status(workspace),
            minimum_interval_seconds=max(5, round(workspace.settings.settle_seconds)),
            use_user_code_server=True,
        )


def look(workspace: Workspace, cursor: str | None) -> dg.SensorResult:
    """One look at the landing zone, given what the last one remembered."""
    before = Cursor.load(cursor)
    now = time.time()
    # A report in the future is of a clock that was put back.
    due = not 0 <= now - before.reported <= workspace.settings.fresh_hours * 3600 / _REPORTS_PER_FRESHNESS
    files = _seen_now(workspace, before, now, again=due)
    landed = list(_landed(workspace, files))
    blocked, others = [why for _, why in blocked_files(workspace).values()], unexpected(workspace)
    settled = [each for each in landed if not before.of(each.file.name).settled]
    new = [each for each in landed if before.of(each.file.name).digest != each.digest]
    told = dict.fromkeys([*(_latest_of_each(landed) if due else ()), *new])
    fate = Fate(workspace, landed)
    # Where a refused file gives way to the published one, a run says that what failed passes again.
    back = {each.file.name for each in new if before.of(each.file.name).asked}
    wanted = [each for each in [*settled, *new] if each.file.name in back or not fate.is_published(each)]
    wanted = [each for each in dict.fromkeys(wanted) if not fate.problem(each)]
    asked = {each.file.name for each in wanted}
    files |= {each.file.name: replace(files[each.file.name], asked=each.file.name in asked) for each in new}
    requests = _requests(fate, wanted)
    wrong = [*blocked, *(each.message for each in others)]
    said = sha256("\n".join(wrong).encode()).hexdigest()[:16] if wrong else ""
    return dg.SensorResult(
        run_requests=requests or None,
        skip_reason=None if requests else dg.SkipReason(_why_nothing(files, [*blocked, *in_short(others)])),
        cursor=Cursor(files, now if due else before.reported, said).dump(),
        asset_events=[
            *(landing.materialization(each) for each in told),
            *(landing.evaluate(workspace, landed) if told or said != before.others else ()),
        ],
    )


def _seen_now(workspace: Workspace, before: Cursor, now: float, *, again: bool) -> dict[str, Seen]:
    """The files of tables as they are now.

    A settled one is read again only where it looks changed, or with `again`, as not every file system tells of every
    change.
    """
    expected = expected_files(workspace)
    seen = {}
    for file in workspace.landing.files():
        if file.name not in expected:
            continue
        last = before.of(file.name)
        same = last.file(file.name) == file
        if same and last.settled and not again:
            seen[file.name] = last
            continue
        since = last.since if same else file.changed_ns / 1e9
        # What lies in the future says nothing: the clock was put back, or another machine's is ahead.
        since = now if since > now else since
        digest, settled = last.digest, same and now - since >= workspace.settings.settle_seconds
        if settled:
            digest, settled = _whole(workspace, file, digest)
        seen[file.name] = Seen(
            file.size, file.modified_ns, file.changed_ns, file.inode, since, settled, digest, last.asked
        )
    return seen


def _whole(workspace: Workspace, file: Delivery, before: str) -> tuple[str, bool]:
    """The digest of a file that did not change while it was read; the one before where it did."""
    try:
        digest = workspace.landing.digest(file.name)
    except DeliveryRefused:
        return before, False
    return (digest, True) if workspace.landing.find(file.name) == file else (before, False)


def _landed(workspace: Workspace, files: Mapping[str, Seen]) -> Iterator[Landed]:
    expected = expected_files(workspace)
    for name, seen in files.items():
        if seen.settled:
            for table, partition in expected[name]:
                yield Landed(table, partition, seen.file(name), seen.digest)


def _latest_of_each(landed: Sequence[Landed]) -> list[Landed]:
    """The last file of each raw table."""
    return list({each.table: each for each in sorted(landed, key=lambda each: each.partition)}.values())


def _requests(fate: Fate, wanted: Sequence[Landed]) -> list[dg.RunRequest]:
    """One run for each stretch of months, of all the tables that want just these, and one for the other tables."""
    stretches: dict[tuple[str, str], list[Landed]] = {}
    for table in raw_tables(fate.workspace.project):
        for stretch in _stretches([each for each in wanted if each.table is table]):
            stretches.setdefault((stretch[0].partition, stretch[-1].partition), []).extend(stretch)
    return [_request(fate, *months, files) for months, files in sorted(stretches.items())]


def _stretches(wanted: Sequence[Landed]) -> Iterator[list[Landed]]:
    """The files of one table in runs of consecutive months."""
    stretch: list[Landed] = []
    for each in sorted(wanted, key=lambda each: each.partition):
        if stretch and (each.partition == WHOLE or each.partition != shift_month(stretch[-1].partition, 1)):
            yield stretch
            stretch = []
        stretch.append(each)
    if stretch:
        yield stretch


def _request(fate: Fate, first: str, last: str, files: Sequence[Landed]) -> dg.RunRequest:
    tables: dict[Table, None] = dict.fromkeys(each.table for each in files)
    names = ", ".join(dict.fromkeys(each.file.name for each in files))
    tags = {FILES_TAG: names if len(names) <= _LONGEST_TAG else f"{len(files)} files"}
    if first != last:
        tags |= {RANGE_START_TAG: first, RANGE_END_TAG: last}
    return dg.RunRequest(
        run_key=_run_key(fate, files),
        asset_selection=[asset_key(table) for table in tables],
        partition_key=first if first == last and first != WHOLE else None,
        tags=tags,
    )


def _run_key(fate: Fate, files: Sequence[Landed]) -> str:
    """The same for the same delivery on top of the same published content, so that no such run is started twice."""
    parts = []
    for each in files:
        state = fate.state(each.table, each.partition)
        published = state.data_version if state is not None else ""
        parts.append(f"{each.file.name} {each.file.modified_ns} {each.digest} {published}")
    return f"{files[0].file.name}-{sha256('|'.join(parts).encode()).hexdigest()[:32]}"


def _why_nothing(files: Mapping[str, Seen], others: Sequence[str]) -> str:
    growing = [name for name, seen in files.items() if not seen.settled]
    waiting = f"waiting until {', '.join(growing)} has stopped changing" if growing else "nothing new can be read"
    return "; ".join([waiting, *others])


def _status(workspace: Workspace) -> dg.DefaultSensorStatus:
    return dg.DefaultSensorStatus.RUNNING if workspace.settings.automation else dg.DefaultSensorStatus.STOPPED
