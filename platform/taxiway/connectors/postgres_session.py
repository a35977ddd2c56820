"""Connections to PostgreSQL by their name, and what its errors mean, without any secret."""

import logging
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
from psycopg2 import extensions
from psycopg2.sql import SQL, Composable, Literal

from taxiway.errors import ConnectorError
from taxiway.settings import Settings

_CONNECT_S = 10
_LOCK_S, _LOCK_TOLD_S, _LOOK_S = 3600.0, 2.0, 0.2
# What the text of a value rests on, whatever the server, the database or the role sets.
_MEANING = "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET extra_float_digits = 1; SET client_encoding = 'UTF8'"

_logger = logging.getLogger(__name__)


@contextmanager
def connected(settings: Settings, name: str) -> Iterator[extensions.connection]:
    """The connection that the deployment has under this name, closed with the block; what is not committed is undone.

    Each statement is a transaction of its own until the block says otherwise. In the block too, an error of the driver
    becomes a ConnectorError of one line.
    """
    given = _understood(name, settings.url_of(name))
    options: dict[str, Any] = {"connect_timeout": _CONNECT_S, "application_name": "taxiway", **given}
    try:
        with closing(psycopg2.connect(**options)) as connection:
            connection.autocommit = True
            execute(connection, _MEANING)
            yield connection
    except psycopg2.Error as error:
        told = _first_line(error)
        secret = given.get("password")
        raise ConnectorError(f"connection '{name}': {told.replace(secret, '***') if secret else told}") from None


def execute(connection: extensions.connection, query: str | Composable, *parts: Composable | str) -> extensions.cursor:
    """The cursor of a query, with these parts in the place of each `{}`, a text as a literal.

    Parameters would not do: a name may have a `%`.
    """
    if isinstance(query, str):
        query = SQL(query).format(*(Literal(part) if isinstance(part, str) else part for part in parts))
    cursor = connection.cursor()
    cursor.execute(query)
    return cursor


def lock(connection: extensions.connection, name: str, *, until_commit: bool) -> None:
    """Wait until no other session holds the lock of this name; it ends with the transaction, or with the session.

    Raises ConnectorError where another one holds it for an hour.
    """
    # In a call that waits in the driver, nobody could interrupt this.
    function = SQL("pg_try_advisory_xact_lock" if until_commit else "pg_try_advisory_lock")
    began, told = time.monotonic(), False
    while True:
        tried = execute(connection, "SELECT {}(hashtextextended({}, 0))", function, f"taxiway {name}")
        if tried.fetchone() == (True,):
            return
        waited = time.monotonic() - began
        if waited > _LOCK_S:
            raise ConnectorError(
                f"{name}: another process has been at it for {_LOCK_S / 60:.0f} minutes; see in pg_stat_activity what "
                "the sessions of 'taxiway' do, and end the one that is stuck"
            )
        if waited > _LOCK_TOLD_S and not told:
            _logger.warning("%s: another process is at it, which is waited for", name)
            told = True
        time.sleep(_LOOK_S)


def _understood(name: str, url: str) -> dict[str, str]:
    try:
        return extensions.parse_dsn(url)
    except psycopg2.Error:
        # What the driver says of it quotes it.
        raise ConnectorError(
            f"connection '{name}': its URL cannot be read; write postgresql://user:password@host:5432/database"
        ) from None


def _first_line(error: psycopg2.Error) -> str:
    told = error.diag.message_primary or str(error)
    return " ".join(next(iter(told.strip().splitlines()), type(error).__name__).split())
