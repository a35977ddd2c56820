"""What a materialisation works on: a project in a deployment."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache

from taxiway.calendar import Calendar
from taxiway.home import check_home
from taxiway.lake import WHOLE, Lake, Snapshot
from taxiway.lake.elsewhere import Elsewhere, pinned
from taxiway.landing import LandingZone
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

    def first_partition(self, table: Table) -> str:
        """The partition in which the calendar begins, which shows how those of a table are written; `WHOLE` where it
        has none."""
        return self.calendar.key(table.grain, self.calendar.bounds.start) if table.grain is not None else WHOLE

    def elsewhere(self, snapshot: Snapshot | None) -> Elsewhere | None:
        """Where the rows of a table are that somebody else writes, at the version that is pinned; else None."""
        return None if snapshot is None else pinned(snapshot, self.settings.place_of)

    @property
    def expected_files(self) -> ExpectedFiles:
        """What the delivered files of the partitions that are over are called."""
        over = tuple((table, self.partitions(table)) for table in self.project.tables if table.files is not None)
        # Another answer only once another partition is over, while the clock of a sensor goes on.
        return _expected_files(over)

    def delivered(self, table: Table, partitions: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """By partition, the names of the files that it is to be made from: where there may be several, those that lie
        in the landing zone now."""
        if table.files is None or not table.files.several:
            return {key: (table.file_name(key),) for key in partitions}
        lying = ExpectedFiles({table: partitions}).by_partition(self.landing.listing().readable)
        return {key: tuple(lying.get((table, key), ())) for key in partitions}


@lru_cache(maxsize=8)
def _expected_files(over: tuple[tuple[Table, tuple[str, ...]], ...]) -> ExpectedFiles:
    return ExpectedFiles(dict(over))
