"""What a materialisation works on: a project in a deployment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from taxiway.home import check_home
from taxiway.lake import WHOLE, Lake
from taxiway.landing import LandingZone
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

    @cached_property
    def expected_files(self) -> Mapping[str, Sequence[tuple[Table, str]]]:
        """The raw tables, each with the partition, that a file of the deployment's months is for, by the file's
        name."""
        months = self.settings.months.keys()
        found: dict[str, list[tuple[Table, str]]] = {}
        for table in self.project.tables:
            if table.delivered is not None:
                for partition in months if table.monthly else (WHOLE,):
                    found.setdefault(table.file_name(partition), []).append((table, partition))
        return found
