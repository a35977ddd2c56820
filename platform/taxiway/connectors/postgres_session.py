"""Connections to PostgreSQL by their name, and what its errors mean, without any secret."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
from psycopg2 import extensions
from psycopg2.sql import SQL, Composable, Literal

from taxiway.errors import ConnectorError
from taxiway.settings import Settings

_CONNECT_S = 10
# What the text of a value rests on, whatever the server, the database or the role sets.
_MEANING = "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET extra_float_digits = 1; SET client_encoding = 'UTF8'"


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
    """Wait until no other session holds the lock of this name; it ends with the transaction, or with the session."""
    function = SQL("pg_advisory_xact_lock" if until_commit else "pg_advisory_lock")
    execute(connection, "SELECT {}(hashtextextended({}, 0))", function, f"taxiway {name}")


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
