"""What a materialisation works on: a project in a deployment."""

from dataclasses import dataclass
from functools import cached_property

from taxiway.home import check_home
from taxiway.lake import Lake
from taxiway.landing import LandingZone
from taxiway.settings import Settings
from taxiway.tables import Project


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
        return Lake(self.settings.lake)

    @cached_property
    def landing(self) -> LandingZone:
        """The deployment's landing zone."""
        check_home(self.settings.home)
        return LandingZone(self.settings.landing)
