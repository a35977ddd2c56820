"""The layout of `TAXIWAY_HOME`: written into it once, so that a version that would misread it says so instead."""

import os
from pathlib import Path

from taxiway.errors import SettingsError

LAYOUT = 1
"""Counts up when what lies below the home is laid out in a way that earlier versions cannot use."""

_FILE = "LAYOUT"


def check_home(home: Path) -> None:
    """See that this version can work in the folder; a new or empty one is marked as of this version's layout.

    Raises SettingsError where another version laid it out, or where it is no folder that can be read.
    """
    mark = home / _FILE
    try:
        if mark.is_file():
            _compare(home, mark.read_text(errors="replace").strip())
        elif not home.exists() or os.access(home, os.W_OK, effective_ids=True):
            home.mkdir(parents=True, exist_ok=True)
            staged = home / f".{_FILE}.{os.getpid()}"
            staged.write_text(f"{LAYOUT}\n")
            staged.replace(mark)
    except OSError as error:
        raise SettingsError(
            f"TAXIWAY_HOME={home} cannot be used ({error}); make it a folder that can be written"
        ) from error


def _compare(home: Path, found: str) -> None:
    if found == str(LAYOUT):
        return
    if found.isdecimal() and int(found) > LAYOUT:
        raise SettingsError(
            f"TAXIWAY_HOME={home} was laid out by a newer Taxiway (layout {found}, this one knows {LAYOUT}): "
            "upgrade Taxiway, or set TAXIWAY_HOME to another folder"
        )
    raise SettingsError(
        f"TAXIWAY_HOME={home} has a file {_FILE} that this Taxiway does not know ({found[:20]!r}, not {LAYOUT}): "
        "set TAXIWAY_HOME to another folder, or remove the file if the folder is Taxiway's"
    )
