"""One look at the landing zone: what is new there, what it asks for, what is told of it.

It costs in proportion to what has changed, and takes on no more than its limits: what is left is done by the next.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256

import dagster as dg

from taxiway.calendar import Calendar
from taxiway.errors import DeliveryRefused
from taxiway.lake import WHOLE
from taxiway.landing import Delivery, Listing
from taxiway.materialise import Workspace
from taxiway.materialise.delivered import in_short, raw_tables, unexpected
from taxiway.orchestration import landing
from taxiway.orchestration.deliveries import DeliveryStatus, Landed, blocked_files
from taxiway.orchestration.keys import asset_key, to_dagster
from taxiway.orchestration.landing_memory import Memory, PassedOver, Seen
from taxiway.orchestration.table_asset import RANGE_END_TAG, RANGE_START_TAG
from taxiway.storage import SETTLED_AFTER_S
from taxiway.tables import Table
from taxiway.version import __version__

FILES_TAG = "taxiway/landed"

# Of the time in which the landing zone must be looked at; more often would only fill the log.
_REPORTS_PER_FRESHNESS = 4
_LONGEST_TAG = 200
_SHOWN = 20
_NOTHING = "nothing new can be read"


@dataclass(frozen=True)
class Limits:
    """What one look may take on: seconds for reading files that have changed, and such as have not for a long time,
    though one of each is always read; how many of each; how many runs it asks for.

    Dagster ends a look that takes a minute.
    """

    read_s: float = 20
    reread_s: float = 5
    files: int = 1000
    runs: int = 100


@dataclass(frozen=True)
class Look:
    """What a look asks for and tells, why it asks for nothing, and what the next one has to know."""

    memory: Memory
    run_requests: Sequence[dg.RunRequest] = ()
    skip_reason: str = ""
    asset_events: Sequence[dg.AssetMaterialization | dg.AssetCheckEvaluation] = ()


_USUAL = Limits()


def look(workspace: Workspace, before: Memory, limits: Limits = _USUAL) -> Look:
    """One look at the landing zone, given what the last one remembered.

    Raises DeliveryRefused where the landing zone cannot be listed, LakeError where a table cannot be read.
    """
    looking = _Looking(workspace, before, limits, workspace.landing.listing())
    looking.read()
    others = looking.passed_over()
    new = looking.new()
    requests = looking.requests(new)
    landed = looking.landed()
    told = [*(_latest_of_each(landed) if looking.is_due else ()), *new]
    checks = looking.checks() if told or others.said != before.others.said or before.is_unchecked else []
    memory = Memory(
        looking.files | looking.forgotten,
        looking.status.problems,
        looking.now if looking.is_due else before.reported,
        others,
        bool(looking.unread),
        before.kept_as,
    )
    return Look(
        memory,
        requests,
        "" if requests else looking.why_nothing(others.lines),
        [*landing.materializations(told, landed), *checks],
    )


class _Allowance:
    """How many files may still be read, one of them always."""

    def __init__(self, seconds: float, files: int) -> None:
        self._end = time.monotonic() + seconds
        self._files = files
        self._taken = 0

    def takes_one(self) -> bool:
        """Whether one more may be read, which then counts."""
        if self._taken and (self._taken >= self._files or time.monotonic() >= self._end):
            return False
        self._taken += 1
        return True


class _Looking:
    """A look while it goes on: the files as they lie there, read as far as the limits allow."""

    def __init__(self, workspace: Workspace, before: Memory, limits: Limits, listing: Listing) -> None:
        self.workspace = workspace
        self.listing = listing
        self.now = time.time()
        self.status = DeliveryStatus(workspace, dict(before.problems))
        self.files: dict[str, Seen] = {}
        self.left: set[str] = set()
        self.unread: set[Landed] = set()
        # Files that are gone, for which a run is still to be asked.
        self.forgotten: dict[str, Seen] = {}
        self._before = before
        self._limits = limits
        self._period = workspace.settings.fresh_hours * 3600 / _REPORTS_PER_FRESHNESS
        # What lies in the future is of a clock that was put back.
        self.is_due = not 0 <= self.now - before.reported <= self._period
        self._allowance = _Allowance(limits.read_s, limits.files)
        # Files whose rows are dated are read once they have settled, as far as the limits allow.
        self._expected = workspace.expected_in(listing, reads=False)
        self._dated = [table for table in raw_tables(workspace.project) if table.is_dated]

    def read(self) -> None:
        """See how the files lie there, and read those that have stopped changing or were not read for a long time."""
        settled = []
        for name, file in self.listing.readable.items():
            if name not in self._expected:
                continue
            last = self._before.of(name)
            same = last.is_of(file)
            if same and last.settled:
                self.files[name] = last
                settled += [name] if self._unknown(name) else []
                continue
            since = last.since if same else file.changed_ns / 1e9
            # What lies in the future says nothing: the clock was put back, or another machine's is ahead.
            since = self.now if since > self.now else since
            self.files[name] = last.moved_to(file, since)
            if same and self.now - since >= self.workspace.settings.settle_seconds:
                settled.append(name)
        self.left = set(self._take_up(settled, self._allowance))
        if not self.workspace.landing.tells_each_change:
            self._take_up(self._long_unread(), _Allowance(self._limits.reread_s, self._limits.files))
        self.workspace.dated_files.keep()
        for name, seen in self.files.items():
            if seen.settled and any(table.is_named(name) for table in self._dated):
                partitions = len(self._expected.of(name))
                self.files[name] = seen if partitions == seen.partitions else seen._replace(partitions=partitions)

    def _unknown(self, name: str) -> bool:
        """Whether nobody knows of which partitions the rows of a file are."""
        file = Delivery.of(self.listing.found[name])
        return any(t.is_named(name) and self.workspace.dated_files.known(t, file) is None for t in self._dated)

    def landed(self, names: Iterable[str] | None = None) -> list[Landed]:
        """These files, all by default, as far as they have been read, once for each table that is made from them."""
        return [
            Landed(table, partition, seen.file(name), seen.digest)
            for name, seen in ((name, self.files[name]) for name in (self.files if names is None else names))
            if seen.settled
            for table, partition in self._expected.of(name)
        ]

    def new(self) -> list[Landed]:
        """The files that are new or have other content."""
        return self.landed(name for name in self._touched() if self.files[name].digest != self._before.of(name).digest)

    def requests(self, new: Sequence[Landed]) -> list[dg.RunRequest]:
        """The runs that are asked for, as many as a look may ask for; the others wait for the next."""
        before = {name: self._before.of(name) for name in self._touched()}
        fresh = {each.file.name for each in new}
        # Where a refused file gives way to the published one, a run says that what failed passes again.
        sure = {name for name, last in before.items() if last.waits or (name in fresh and last.asked)}
        # Of a file whose rows are dated one more partition may be over.
        more = {name for name, last in before.items() if self.files[name].partitions > last.partitions}
        taken_up = self.landed(name for name, last in before.items() if name in fresh | sure | more or not last.settled)
        wanted = [each for each in taken_up if each.file.name in sure or not self.status.is_published(each)]
        wanted += self._removed()
        # A partition is made of all its files: it waits for the last of them.
        growing = {each for name, seen in self.files.items() if not seen.settled for each in self._expected.of(name)}
        later = [each for each in wanted if (each.table, each.partition) in growing]
        ready = [each for each in wanted if each not in later and not self.status.problem(each)]
        found = _requests(self.status, ready)
        asked = {each.file.name for _, files in found[: self._limits.runs] for each in files}
        left = [*later, *(each for _, files in found[self._limits.runs :] for each in files)]
        waits = {each.file.name for each in left}
        self.forgotten = {each.file.name: self._before.of(each.file.name) for each in left if not each.digest}
        for name in {each.file.name for each in taken_up}:
            seen = self.files[name]
            is_asked = name in asked if name in fresh or before[name].waits else seen.asked
            self.files[name] = seen._replace(asked=is_asked, waits=name in waits)
        return [request for request, _ in found[: self._limits.runs]]

    def _removed(self) -> list[Landed]:
        """The files that are gone, of partitions that have others and were made from them too."""
        gone = [name for name in self._before.files if name not in self.listing.found]
        lacking = [(name, *each) for name in gone for each in self._expected.of(name)]
        others = self._expected.by_partition(self.files) if lacking else {}
        found = [
            Landed(table, key, self._before.of(name).file(name), "")
            for name, table, key in lacking
            if (table, key) in others
        ]
        return [each for each in found if not self.status.is_published(each)]

    def checks(self) -> list[dg.AssetCheckEvaluation]:
        """What the checks say of all that lies there; files that are too many to be read now are `unread`."""
        landed = self.landed()
        for each in landed:
            if not self.status.is_known(each):
                if self._allowance.takes_one():
                    self.status.problem(each)
                else:
                    self.unread.add(each)
        found = list(landing.evaluate(self.status, self._told_of, landed, unread=self.unread))
        self.status.forget_others(landed)
        return found

    def passed_over(self) -> PassedOver:
        """What is said of all that is no file of a table that can be read, as before where the same lies there."""
        lying = self._lying()
        if lying == self._before.others.lying:
            return self._before.others
        blocked = [why for _, why in blocked_files(self.workspace, self.listing).values()]
        others = unexpected(self.workspace, self._told_of)
        said = "\n".join([*blocked, *(each.message for each in others)])
        lines = [*_some(blocked, "that cannot be read"), *in_short(others)]
        return PassedOver(lying, _digest(said) if said else "", lines)

    def _lying(self) -> str:
        """A digest of what lies there and is no file of a table that can be read, and of all else by which it is
        told; empty where there is none."""
        expected, found = self._expected, self.listing.found
        others = [each for name, each in found.items() if name not in expected or each.problem]
        if not others:
            return ""
        broken = [each.at for each in self.workspace.project.broken]
        ended = [self.now - each.changed_ns / 1e9 > SETTLED_AFTER_S for each in others]
        known = [name for name in found if name in expected]
        lying = [(each.name, each.problem, each.is_file) for each in others]
        return _digest(f"{__version__} {broken} {expected.names} {known} {lying} {ended}")

    @property
    def _told_of(self) -> Listing:
        """What lies there, but for files of which nobody knows yet what their rows are of."""
        return self.listing.without({name for name in self.files if self._unknown(name)})

    def why_nothing(self, others: Sequence[str]) -> str:
        """Why no run is asked for, and what was passed over."""
        growing = [name for name, seen in self.files.items() if not seen.settled and name not in self.left]
        said = f"waiting until {', '.join(_some(growing))} has stopped changing" if growing else ""
        left = self.left | {each.file.name for each in self.unread}
        still = f"{len(left):,} files are left to be read at the next looks" if left else ""
        return "; ".join([*(filter(None, [said, still])), *others] if said or still else [_NOTHING, *others])

    def _touched(self) -> list[str]:
        """The files that are not as they were, or for which a run is still to be asked."""
        return [name for name, seen in self.files.items() if seen.waits or seen is not self._before.of(name)]

    def _long_unread(self) -> list[str]:
        """The files that lie there as they did and are to be read again, as not every file system tells of every
        change."""
        files = ((name, seen) for name, seen in self.files.items() if seen.settled)
        return [name for name, seen in files if not 0 <= self.now - seen.read_at <= self._period]

    def _take_up(self, names: Iterable[str], allowance: _Allowance) -> list[str]:
        """Read files, those first that were not read for longest; returns those that are left."""
        ordered = sorted(names, key=lambda name: (self.files[name].read_at, self.files[name].since))
        left = []
        for name in ordered:
            if allowance.takes_one():
                self.files[name] = self._read(name)
            else:
                left.append(name)
        return left

    def _read(self, name: str) -> Seen:
        """A file as it is after it was read; while it changes it has not settled."""
        seen, zone = self.files[name], self.workspace.landing
        file, digest, is_whole = seen.file(name), seen.digest, False
        with suppress(DeliveryRefused):
            digest = zone.digest(name)
            for table in (table for table in self._dated if table.is_named(name)):
                self.workspace.dated_files.forget_others(table, {name: digest})
                self.workspace.dated_files.learn(table, file)
            for table, partition in self._expected.of(name):
                self.status.problem(Landed(table, partition, file, digest))
            is_whole = zone.find(name) == file
        return seen._replace(read_at=self.now, settled=is_whole, digest=digest if is_whole else seen.digest)


def _latest_of_each(landed: Sequence[Landed]) -> list[Landed]:
    """The last file of each raw table."""
    return list({each.table: each for each in sorted(landed, key=lambda each: each.partition)}.values())


def _requests(status: DeliveryStatus, wanted: Sequence[Landed]) -> list[tuple[dg.RunRequest, list[Landed]]]:
    """One run for each stretch of partitions, of all the tables that want just these, and one for the other tables,
    each with the files that it is for."""
    stretches: dict[tuple[str, str], list[Landed]] = {}
    for table in raw_tables(status.workspace.project):
        for stretch in _stretches(status.workspace.calendar, [each for each in wanted if each.table is table]):
            stretches.setdefault((stretch[0].partition, stretch[-1].partition), []).extend(stretch)
    return [(_request(status, *span, files), files) for span, files in sorted(stretches.items())]


def _stretches(calendar: Calendar, wanted: Sequence[Landed]) -> Iterator[list[Landed]]:
    """The files of one table in runs of consecutive partitions."""
    files = {each.partition: each for each in wanted}
    for block in calendar.blocks(files):
        yield [files[key] for key in block]


def _request(status: DeliveryStatus, first: str, last: str, files: Sequence[Landed]) -> dg.RunRequest:
    tables: dict[Table, None] = dict.fromkeys(each.table for each in files)
    names = ", ".join(dict.fromkeys(each.file.name for each in files))
    tags = {FILES_TAG: names if len(names) <= _LONGEST_TAG else f"{len(files)} files"}
    if first != last:
        tags |= {RANGE_START_TAG: to_dagster(first), RANGE_END_TAG: to_dagster(last)}
    return dg.RunRequest(
        run_key=_run_key(status, files),
        asset_selection=[asset_key(table) for table in tables],
        partition_key=to_dagster(first) if first == last and first != WHOLE else None,
        tags=tags,
    )


def _run_key(status: DeliveryStatus, files: Sequence[Landed]) -> str:
    """The same for the same delivery on top of the same published content, so that no such run is started twice."""
    parts = []
    for each in files:
        state = status.state(each.table, each.partition)
        published = state.data_version if state is not None else ""
        parts.append(f"{each.file.name} {each.file.modified_ns} {each.digest} {published}")
    return f"{files[0].file.name}-{sha256('|'.join(parts).encode()).hexdigest()[:32]}"


def _digest(text: str) -> str:
    # The name of a file may be no text.
    return sha256(text.encode(errors="backslashreplace")).hexdigest()[:16]


def _some(texts: Sequence[str], what: str = "") -> list[str]:
    """The first of many, and how many more there are."""
    more = len(texts) - _SHOWN
    return [*texts[:_SHOWN], *([f"and {more:,} more {what}".rstrip()] if more > 0 else [])]
