"""What a materialisation works on: a project in a deployment."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache

from taxiway.calendar import Calendar
from taxiway.home import check_home
from taxiway.lake import WHOLE, Lake
from taxiway.landing import LandingZone
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
        return Lake(self.settings.lake, self.settings.deployment)

    @cached_property
    def landing(self) -> LandingZone:
        """The deployment's landing zone."""
        check_home(self.settings.home)
        return LandingZone(self.settings.landing)

    def first_partition(self, table: Table) -> str:
        """The partition in which the calendar begins, which shows how those of a table are written; `WHOLE` where it
        has none."""
        return self.calendar.key(table.grain, self.calendar.bounds.start) if table.grain is not None else WHOLE

    @property
    def expected_files(self) -> Mapping[str, Sequence[tuple[Table, str]]]:
        """The raw tables, each with the partition, that a file of a partition that is over is for, by the file's
        name."""
        over = tuple((table, self.partitions(table)) for table in self.project.tables if table.delivered is not None)
        # Another answer only once another partition is over, while the clock of a sensor goes on.
        return _by_file_name(over)


@lru_cache(maxsize=8)
def _by_file_name(
    over: tuple[tuple[Table, tuple[str, ...]], ...],
) -> Mapping[str, Sequence[tuple[Table, str]]]:
    found: dict[str, list[tuple[Table, str]]] = {}
    for table, partitions in over:
        for partition in partitions:
            found.setdefault(table.file_name(partition), []).append((table, partition))
    return found
