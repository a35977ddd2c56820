"""SQL for engines that Taxiway has not set up: what its sessions have by themselves is said in statements."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from textwrap import indent

import pyarrow as pa

from taxiway.engines import duckdb, spark
from taxiway.engines.base import Reading
from taxiway.engines.spark_session import MEANING


@dataclass(frozen=True)
class Dialect:
    """How an engine is spoken to; its `name` is that of the compiler.

    `settings` are statements that make the same SQL mean the same; `primitives` are statements that create the
    functions of every session, by name, each after those that it calls. `source` is the query that reads what is read
    of a table, None where the engine by itself cannot; `typed` writes a column in its type.
    """

    name: str
    settings: tuple[str, ...]
    primitives: Mapping[str, str]
    source: Callable[[Reading], str | None]
    typed: Callable[[pa.Field], str]
    identifier: Callable[[str], str]
    literal: Callable[[str], str]

    def functions(self, *queries: str) -> dict[str, str]:
        """The primitives that the queries call, and those that these call, in the order in which to create them."""
        text = "\n".join(queries)
        needed: dict[str, str] = {}
        for name, statement in reversed(list(self.primitives.items())):
            if re.search(rf"\b{name}\(", text, re.IGNORECASE):
                needed = {name: statement} | needed
                text += statement
        return needed

    def view(self, relation: str, query: str) -> str:
        """The statement that gives a query a name."""
        return f"CREATE OR REPLACE TEMPORARY VIEW {self.identifier(relation)} AS\n{query}"

    def select(self, query: str, schema: pa.Schema, only: tuple[str, str] | None = None) -> str:
        """The rows of a query in these types: all, or those that have a text in a column."""
        columns = ",\n".join(self.typed(column) for column in schema)
        lines = [f"SELECT\n{indent(columns, '  ')}", f"FROM (\n{indent(query, '  ')}\n)"]
        if only is not None:
            column, text = only
            lines.append(f"WHERE {self.identifier(column)} = {self.literal(text)}")
        return "\n".join(lines)


def _set_in_spark() -> Iterator[str]:
    for name, value in MEANING.items():
        yield f"SET {name} = {value}"


DIALECTS: Mapping[str, Dialect] = {
    "duckdb": Dialect(
        "duckdb",
        (duckdb.MEANING,),
        duckdb.PRIMITIVES,
        duckdb.source,
        duckdb.typed,
        duckdb.identifier,
        duckdb.literal,
    ),
    "spark": Dialect(
        "pyspark",
        tuple(_set_in_spark()),
        spark.PRIMITIVES,
        spark.source,
        spark.typed,
        spark.identifier,
        spark.literal,
    ),
}
"""By the engine's name."""
