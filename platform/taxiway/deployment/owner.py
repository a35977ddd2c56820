"""Whose servers a home has: those of one deployment, so that no other's are started or ended in their place."""

from pathlib import Path

from taxiway.errors import SettingsError

_MARK = "deployment"


def see_whose_it_is(stack: Path, deployment: str) -> None:
    """Raise SettingsError where what the servers of another deployment keep is there."""
    mark = stack / _MARK
    if mark.is_file() and (whose := mark.read_text().strip()) != deployment:
        raise SettingsError(
            f"TAXIWAY_HOME={stack.parent} has the servers of deployment '{whose}', and '{deployment}' is asked for: "
            "unset TAXIWAY_HOME, or use a shell of its own"
        )


def note_whose_it_is(stack: Path, deployment: str) -> None:
    """Note that what is kept there is that deployment's."""
    (stack / _MARK).write_text(f"{deployment}\n")
