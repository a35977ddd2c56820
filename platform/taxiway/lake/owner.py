"""A lake knows which deployment publishes to it, and which of its projects each table is of: a setting that points at
another's lake, and a name that another project has taken, do no harm."""

from contextlib import suppress
from functools import cache

from taxiway.errors import LakeError
from taxiway.lake.log import FOLDER
from taxiway.lake.messages import reason
from taxiway.storage import Store

FILE = "_deployment"
"""The file of a lake that holds the name of the deployment that publishes to it."""

PROJECTS = "_projects"
"""The folder of a lake that holds a file for each table, with the name of the project that it is of."""

_LOCAL = "local"


@cache
def see_that_it_is_of(lake: Store, deployment: str) -> None:
    """Make the lake this deployment's where it is nobody's yet; what was seen is not looked for again.

    Raises LakeError where it is another's, or where that cannot be told: one that has tables and says nothing may be
    another's. Only `local` takes it, whose lakes are older than this file.
    """
    try:
        with suppress(FileNotFoundError):
            return _compare(lake, deployment)
        if not may_be_taken(lake, deployment):
            # Whoever made the first table meanwhile has said before whose it is.
            with suppress(FileNotFoundError):
                return _compare(lake, deployment)
            raise LakeError(
                f"the lake {lake} has tables, and nothing says whose they are; where they are of '{deployment}', write "
                f"that into {lake.address(FILE)}"
            )
        with suppress(FileExistsError):
            return lake.write(FILE, deployment.encode(), new=True)
        return _compare(lake, deployment)
    except OSError as error:
        raise LakeError(f"whose lake {lake} is cannot be told ({reason(error)}); make it writable") from error


def see_that_table_is_of(lake: Store, table: str, project: str) -> None:
    """Make a table the project's where it is nobody's yet; raises LakeError where it is another's."""
    try:
        whose = project_of(lake, table)
        if whose is None:
            with suppress(FileExistsError):
                return lake.write(_note(table), project.encode(), new=True)
            whose = project_of(lake, table)
    except OSError as error:
        advice = "make room there, or make it writable"
        raise LakeError(f"{table}: whose it is cannot be told ({reason(error)}); {advice}") from error
    if whose != project:
        raise LakeError(
            f"{table} in the lake {lake} is a table of the project '{whose}', and this is '{project}': give it another "
            f"name; where '{whose}' has gone, remove {lake.address(_note(table))}"
        )
    return None


def project_of(lake: Store, table: str) -> str | None:
    """The project that a table is of, None where none has said so; raises OSError where that cannot be told."""
    with suppress(FileNotFoundError):
        return lake.read(_note(table)).decode().strip()
    return None


def release(lake: Store, table: str) -> None:
    """Let any project have the table's name; raises OSError where the storage refuses."""
    lake.remove([_note(table)])


def _note(table: str) -> str:
    return f"{PROJECTS}/{table.replace('/', '__')}"


def owner(lake: Store) -> str | None:
    """The deployment that publishes to a lake, None where none has yet; raises OSError where that cannot be told."""
    with suppress(FileNotFoundError):
        return lake.read(FILE).decode().strip()
    return None


def may_be_taken(lake: Store, deployment: str) -> bool:
    """Whether a deployment makes a lake that is nobody's its own by publishing to it; raises OSError where that cannot
    be told."""
    return deployment == _LOCAL or not any(
        FOLDER in lake.folders(f"{layer}/{name}") for layer in lake.folders() for name in lake.folders(layer)
    )


def _compare(lake: Store, deployment: str) -> None:
    whose = lake.read(FILE).decode().strip()
    if whose != deployment:
        raise LakeError(
            f"the lake {lake} is of deployment '{whose}', and this is '{deployment}', which may read it and changes "
            f"nothing there; set TAXIWAY_LAKE to a lake of its own"
        )
