"""What a materialisation works on: a project in a deployment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from taxiway.home import check_home
from taxiway.lake import WHOLE, Lake, Snapshot
from taxiway.lake.elsewhere import Elsewhere, pinned
from taxiway.landing import LandingZone
from taxiway.materialise.expected_files import ExpectedFiles
from taxiway.settings import Settings
from taxiway.tables import Project, Table


@dataclass(frozen=True, eq=False)
class Workspace:
    """A project with the settings of one deployment, its lake and its landing zone.

    Their first use raises SettingsError where the deployment's home is of another version of Taxiway.
    """

    project: Project
    settings: Settings

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

    def elsewhere(self, snapshot: Snapshot | None) -> Elsewhere | None:
        """Where the rows of a table are that somebody else writes, at the version that is pinned; else None."""
        return None if snapshot is None else pinned(snapshot, self.settings.place_of)

    @cached_property
    def expected_files(self) -> ExpectedFiles:
        """What the delivered files of the deployment's months are called."""
        months = self.settings.months.keys()
        return ExpectedFiles(
            {table: months if table.monthly else (WHOLE,) for table in self.project.tables if table.files is not None}
        )

    def delivered(self, table: Table, partitions: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """By partition, the names of the files that it is to be made from: where there may be several, those that lie
        in the landing zone now."""
        if table.files is None or not table.files.several:
            return {key: (table.file_name(key),) for key in partitions}
        lying = ExpectedFiles({table: partitions}).by_partition(self.landing.listing().readable)
        return {key: tuple(lying.get((table, key), ())) for key in partitions}
