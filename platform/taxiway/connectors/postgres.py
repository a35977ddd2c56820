"""PostgreSQL as it is declared in a project: a source and a sink. Importing this needs no driver."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taxiway.addresses import Address
from taxiway.connectors.base import Extract, Extraction, Outgoing, Written
from taxiway.errors import ConnectorError, DefinitionError

if TYPE_CHECKING:
    from taxiway.settings import Settings

LONGEST_NAME = 63
"""Of a longer name PostgreSQL forgets the rest."""

# Nothing but an unquoted empty field is null, as PostgreSQL writes it.
_FORMAT: Mapping[str, Any] = {"null": ("",), "quoted_is_value": True, "true": ("t",), "false": ("f",)}


@dataclass(frozen=True, kw_only=True)
class PostgresSource:
    """A `table` (`schema.table`), or a `query`, of a connection as the files of a raw table; see `postgres_extract`.

    `cursor` is the column that each change of a row sets to another value. `partition_by` is the date or
    timestamp that says of which partition a row is, on the clock of the deployment; None where the raw table has none.
    `schedule` is a cron line on the same clock. Raises DefinitionError for what names no rows.
    """

    connection: str
    cursor: str
    table: str = ""
    query: str = ""
    partition_by: str | None = None
    schedule: str = "0 * * * *"

    def __post_init__(self) -> None:
        if bool(self.table) == bool(self.query):
            raise DefinitionError(f"PostgresSource of '{self.connection}': name a table or a query, one of the two")

    @property
    def kind(self) -> str:
        """What it is, as Dagster shows it."""
        return "postgres"

    @property
    def format(self) -> Mapping[str, Any]:
        """How its files are understood: what is not null in the database is a value, `NA` and the empty text too."""
        return _FORMAT

    @property
    def is_partitioned(self) -> bool:
        """Whether it gives a file for each partition."""
        return self.partition_by is not None

    def changes(self, settings: "Settings", wanted: Extraction) -> Iterator[Extract]:
        """The partitions that differ from what is known of them, all of one moment, each whole, one at a time."""
        _see_that_there_is_a_driver()
        from taxiway.connectors.postgres_extract import changes

        yield from changes(self, settings, wanted)


@dataclass(frozen=True, kw_only=True)
class PostgresSink:
    """A table of a connection, by default `layer.name` as in the lake; see `postgres_publish`.

    `name` tells it from other sinks of the same table. Raises DefinitionError for a name that PostgreSQL would cut.
    """

    connection: str
    schema: str = ""
    table: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        for name in (self.schema, self.table):
            if len(name.encode()) > LONGEST_NAME or "\0" in name:
                raise DefinitionError(f"PostgresSink: {name!r} is no name: it has at most {LONGEST_NAME} bytes, no NUL")
        object.__setattr__(self, "name", self.name or self.connection)

    @property
    def kind(self) -> str:
        """What it is, as Dagster shows it."""
        return "postgres"

    def target(self, table: Address) -> str:
        """The table of the database that a table goes to."""
        return f"{self.connection}: {self.schema or table.layer}.{self.table or table.name}"

    def publish(self, settings: "Settings", table: Outgoing) -> Written:
        """Replace the rows in one transaction, with the version; nothing where the version is held already."""
        _see_that_there_is_a_driver()
        from taxiway.connectors.postgres_publish import publish

        return publish(self, settings, table)


def see_that_it_answers(settings: "Settings", connection: str) -> None:
    """Ask the database of a connection something; raises ConnectorError where it does not answer."""
    _see_that_there_is_a_driver()
    from taxiway.connectors.postgres_session import connected, execute

    with connected(settings, connection) as opened:
        execute(opened, "SELECT 1")


def _see_that_there_is_a_driver() -> None:
    try:
        import psycopg2  # noqa: F401 - whether it can be
    except ImportError as error:
        raise ConnectorError(f"PostgreSQL needs a package more ({error}): pip install 'taxiway[postgres]'") from None
