"""What a materialisation works on: a project in a deployment."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache

from taxiway.calendar import Calendar
from taxiway.home import check_home
from taxiway.lake import WHOLE, Lake, Snapshot
from taxiway.lake.elsewhere import Elsewhere, pinned
from taxiway.landing import LandingZone, Listing
from taxiway.materialise.dated_files import DatedFiles, DatedNow
from taxiway.materialise.expected_files import ExpectedFiles
from taxiway.settings import Settings
from taxiway.tables import Project, Table


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, eq=False)
class Workspace:
    """A project with the settings of one deployment, its lake and its landing zone. `clock` tells what time it is.

    Their first use raises SettingsError where the deployment's home is of another version of Taxiway.
    """

    project: Project
    settings: Settings
    clock: Callable[[], datetime] = _utc_now

    @cached_property
    def calendar(self) -> Calendar:
        """The calendar of the deployment."""
        return self.settings.calendar

    @property
    def now(self) -> datetime:
        """The instant that it is."""
        return self.clock()

    def partitions(self, table: Table) -> tuple[str, ...]:
        """The partitions that a table can have by now, in order: those that are over; `(WHOLE,)` where it has none."""
        return self.calendar.keys(table.grain, self.now) if table.grain is not None else (WHOLE,)

    @cached_property
    def lake(self) -> Lake:
        """The deployment's lake."""
        check_home(self.settings.home)
        return Lake(self.settings.lake, self.settings.deployment, self.settings.package)

    @cached_property
    def landing(self) -> LandingZone:
        """The deployment's landing zone."""
        check_home(self.settings.home)
        return LandingZone(self.settings.landing)

    @cached_property
    def dated_files(self) -> DatedFiles:
        """What delivered files hold whose rows tell their partitions."""
        return DatedFiles(self.calendar, self.landing, self.settings.home)

    def first_partition(self, table: Table) -> str:
        """The partition in which the calendar begins, which shows how those of a table are written; `WHOLE` where it
        has none."""
        return self.calendar.key(table.grain, self.calendar.bounds.start) if table.grain is not None else WHOLE

    def elsewhere(self, snapshot: Snapshot | None) -> Elsewhere | None:
        """Where the rows of a table are that somebody else writes, at the version that is pinned; else None."""
        return None if snapshot is None else pinned(snapshot, self.settings.place_of)

    @property
    def expected_files(self) -> ExpectedFiles:
        """The delivered files of the partitions that are over, as they lie there now.

        Those are read whose rows tell their partitions and whose content is not known.
        """
        return self.expecting(self._over, self.landing.listing)

    def expected_in(self, listing: Listing, *, reads: bool = True) -> ExpectedFiles:
        """The same as they lay there; as far as it is known without reading a file where none `reads`."""
        return self.expecting(self._over, lambda: listing, reads=reads)

    def expecting(
        self, tables: Mapping[Table, Collection[str]], listing: Callable[[], Listing], *, reads: bool = True
    ) -> ExpectedFiles:
        """The delivered files of these partitions of tables; `listing` says what lies there, where that matters."""
        dated = DatedNow(self.dated_files, self.lake, listing, reads=reads)
        return ExpectedFiles(tables, self.calendar, dated.partitions)

    @property
    def _over(self) -> Mapping[Table, frozenset[str]]:
        over = tuple((table, self.partitions(table)) for table in self.project.tables if table.files is not None)
        # Another answer only once another partition is over, while the clock of a sensor goes on.
        return _as_sets(over)

    def delivered(self, table: Table, partitions: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """By partition, the names of the files that it is to be made from: where there may be several, or rows are
        dated, those that lie in the landing zone now."""
        if table.files is None or not (table.files.several or table.is_dated):
            return {key: (table.file_name(key),) for key in partitions}
        listing = self.landing.listing()
        # What cannot be read is one of them, so that the partition is refused and not made without it.
        names = listing.readable if table.is_dated else {**listing.readable, **listing.blocked}
        lying = self.expecting({table: partitions}, lambda: listing).by_partition(names)
        return {key: tuple(lying.get((table, key), ())) for key in partitions}


@lru_cache(maxsize=8)
def _as_sets(over: tuple[tuple[Table, tuple[str, ...]], ...]) -> Mapping[Table, frozenset[str]]:
    return {table: frozenset(keys) for table, keys in over}
