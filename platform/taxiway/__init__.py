"""Taxiway: one transformation for batch, cluster, stream and request; nothing unguarded is published."""

from typing import TYPE_CHECKING

from taxiway.version import __version__

if TYPE_CHECKING:
    from taxiway.notebook import OpenLake

__all__ = ["__version__", "open"]


def open(deployment: str | None = None) -> "OpenLake":  # noqa: A001 - read where it is used: taxiway.open()
    """The lake of a deployment (`TAXIWAY_DEPLOYMENT`, by default `local`), to read in a notebook.

    Raises SettingsError where there is no such deployment.
    """
    from taxiway.notebook import OpenLake
    from taxiway.settings import load_settings

    return OpenLake(load_settings(deployment))
