"""What `taxiway doctor` tries of each place that a deployment reaches: whether it answers, whom it lets write, and
whether that is no more than it should."""

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

from taxiway.cli.findings import Finding
from taxiway.errors import TaxiwayError
from taxiway.lake.owner import FILE, may_be_taken, owner
from taxiway.storage import Store, is_bucket

if TYPE_CHECKING:
    from taxiway.settings import Settings


def places(settings: "Settings") -> Iterator[Finding]:
    """A finding for each place: the lake, the landing zone, the home, Dagster's storage, each connection."""
    for name, place in (("lake", settings.lake), ("landing", settings.landing)):
        yield (tried := _writable(f"{name}/", place, f"TAXIWAY_{name.upper()}"))
        # What cannot be reached at all is waited for once.
        if name == "lake" and tried.status != "missing":
            yield _owned(settings)
        if (bucket := _bucket(place)) is not None and tried.status != "missing":
            yield _outside(f"beside {name}", bucket, settings)
    for folder in (settings.dagster, settings.scratch):
        yield _writable(f"{folder.name}/", Store(str(folder)), "TAXIWAY_HOME")
    yield from _dagster(settings)
    for name in settings.connections:
        yield _connection(settings, name)


def _writable(name: str, place: Store, setting: str) -> Finding:
    advice = f"make {place} writable, or set {setting} to where you may write"
    try:
        place.check_writable()
    except PermissionError as error:
        if place.is_folder or not _is_readable(place):
            return Finding(name, "missing", str(error), advice)
        only = (
            "what publishes needs a key that may write" if name == "lake/" else "who delivers needs one that may write"
        )
        return Finding(name, "warning", f"this key can only read {place}", only)
    except OSError as error:
        return Finding(name, "missing", str(error), advice)
    return Finding(name, "ok", "can be written")


def _is_readable(place: Store) -> bool:
    try:
        next(iter(place.files()), None)
    except OSError:
        return False
    return True


def _owned(settings: "Settings") -> Finding:
    """Whose the lake is: a deployment that is pointed at another's can change nothing there."""
    try:
        whose = owner(settings.lake)
        unknown = whose is None and not may_be_taken(settings.lake, settings.deployment)
    except OSError as error:
        return Finding("owner", "missing", str(error), "see that TAXIWAY_LAKE is right, and can be read")
    if unknown:
        found = f"the lake {settings.lake} has tables, and nothing says whose they are"
        advice = f"where they are of {settings.deployment}, write that into {settings.lake.address(FILE)}"
        return Finding("owner", "missing", found, advice)
    if whose in (None, settings.deployment):
        told = (
            f"the lake is of {whose}"
            if whose
            else f"nobody's yet; the first who publishes makes it the lake of {settings.deployment}"
        )
        return Finding("owner", "ok", told)
    advice = f"set TAXIWAY_LAKE to the lake of {settings.deployment}"
    return Finding(
        "owner", "missing", f"the lake {settings.lake} is of deployment {whose}, and can only be read", advice
    )


def _bucket(place: Store) -> Store | None:
    return Store("/".join(place.uri.split("/")[:3]), place.s3) if is_bucket(place.uri) else None


def _outside(check: str, bucket: Store, settings: "Settings") -> Finding:
    """Whether the key may write where neither the lake nor the landing zone is."""
    tried = f"taxiway-doctor-{secrets.token_hex(8)}"
    own = " and ".join(str(place) for place in (settings.lake, settings.landing) if str(place).startswith(f"{bucket}/"))
    try:
        bucket.write(tried, b"")
    except OSError:
        return Finding(check, "ok", f"this key cannot write in {bucket} but below {own}")
    found = f"this key can also write elsewhere in {bucket}"
    try:
        bucket.remove([tried])
    except OSError as error:
        found += f", and cannot remove what it wrote there, {tried} ({error})"
    return Finding(check, "warning", found, f"let it write below {own} alone")


def _dagster(settings: "Settings") -> Iterator[Finding]:
    """Dagster's storage, and whether somebody takes runs from its queue."""
    from sqlalchemy import text

    from taxiway.orchestration.instance import open_instance
    from taxiway.orchestration.queued_runs import SILENT_S, silent_s

    name = "dagster storage"
    try:
        with open_instance(settings) as instance:
            if settings.dagster_postgres is None:
                yield Finding(name, "ok", "files in the home")
            else:
                with instance.run_storage.connect() as connection:  # pyright: ignore[reportAttributeAccessIssue]
                    may_write = connection.execute(text("SELECT has_table_privilege('runs', 'INSERT')")).scalar()
                found = "PostgreSQL answers" + ("" if may_write else ", and the account can only read")
                advice = "" if may_write else "who starts runs needs one that may write"
                yield Finding(name, "ok" if may_write else "warning", found, advice)
            if settings.runs == "queue":
                silent = silent_s(instance)
                beats = silent is not None and silent <= SILENT_S
                said = f"a daemon was heard of {silent:.0f} s ago" if silent is not None else "no daemon has run yet"
                advice = (
                    "" if beats else f"start the deployment's servers: taxiway deployment start {settings.deployment}"
                )
                yield Finding("queue", "ok" if beats else "warning", said, advice)
    except TaxiwayError as error:
        what, _, advice = str(error).partition("; ")
        yield Finding(name, "missing", what, advice)


def _connection(settings: "Settings", name: str) -> Finding:
    """Whether a database answers and a place of files is there."""
    variable = f"TAXIWAY_CONNECTION_{name.upper()}"
    try:
        if "://" in settings.url_of(name) and not is_bucket(settings.url_of(name)):
            from taxiway.connectors.postgres import see_that_it_answers

            see_that_it_answers(settings, name)
            return Finding(f"connection {name}", "ok", "PostgreSQL answers")
        return _writable(f"connection {name}", settings.store_of(name), variable)
    except TaxiwayError as error:
        return Finding(
            f"connection {name}", "missing", str(error), f"see that {variable} is right, and the server runs"
        )
