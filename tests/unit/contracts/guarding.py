"""What tests of the guard share: a plain DuckDB session as an engine opens it, and contracts of one column."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, reduce
from operator import or_
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
from hypothesis import strategies as st

from taxiway.contracts import (
    Bool,
    Contract,
    Date,
    Float64,
    Instant,
    Int16,
    Int64,
    TableContract,
    Text,
    audit,
    column,
    key_audit,
)
from taxiway.contracts.types import ibis_type
from taxiway.engines.duckdb import set_up

INT64 = 2**63
EDGE_TEXTS = ["", " ", "é", "😀", "e\u0301", "'; DROP TABLE staged; --", 'a"b', "\\", "%", "_", "a\nb", "ab\n", "NaN"]


@cache
def connection() -> duckdb.DuckDBPyConnection:
    """One session for all tests, as an engine opens it."""
    opened = duckdb.connect()
    opened.execute("SET threads=1")
    set_up(opened)
    return opened


class Guarded:
    """The session with one staged table, which replaces that of the test before."""

    def __init__(self, rows: pa.Table) -> None:
        self.connection = connection()
        self.connection.register("delivered", rows)
        self.connection.execute("CREATE OR REPLACE TEMP TABLE staged AS FROM delivered")
        self.staged = ibis.table(schema_of(rows), name="staged")

    def run(self, expression: ir.Table) -> list[dict[str, Any]]:
        """The rows of an expression."""
        return self.connection.sql(sql(expression)).to_arrow_table().to_pylist()

    def table(self, expression: ir.Table) -> pa.Table:
        """The result of an expression."""
        return self.connection.sql(sql(expression)).to_arrow_table()


def schema_of(rows: pa.Table) -> ibis.Schema:
    """The Ibis schema of an Arrow table, by the columns' own types."""
    return ibis.schema({field.name: ibis_type(field.type) for field in rows.schema})


def sql(expression: ir.Table) -> str:
    """The expression in DuckDB's SQL."""
    return str(ibis.to_sql(expression, dialect="duckdb"))


def staged(contract: TableContract, rows: Sequence[Mapping[str, Any]]) -> Guarded:
    """A session whose staged table holds these rows with the contract's columns."""
    return Guarded(pa.Table.from_pylist([dict(row) for row in rows], schema=contract.schema))


def audited(contract: TableContract, session: Guarded) -> tuple[pa.Table, pa.Table]:
    """The two audits of a staged table."""
    return session.table(audit(contract, session.staged)), session.table(key_audit(contract, session.staged))


def breaking(contract: TableContract, session: Guarded, *rules: str) -> set[int]:
    """The `row` numbers of the rows that break one of these rules."""
    broken = reduce(or_, [~contract.rule(rule).holds(session.staged) for rule in rules])
    return {found["row"] for found in session.run(session.staged.filter(broken).select("row"))}


def value_rules(contract: TableContract) -> list[str]:
    """The names of the rules about the column `value` that come from its checks and `nullable`."""
    return [rule.name for rule in contract.rules if rule.column == "value" and rule.name != "value.finite"]


def of_one(dtype: Any, *, nullable: bool = True, **checks: Any) -> type[Contract]:
    """A contract with the key `row` and one column `value` with these checks."""
    body = {
        "__doc__": "A value.",
        "__annotations__": {"row": Int64, "value": dtype},
        "row": column("Number of the row"),
        "value": column("What is checked", nullable=nullable, **checks),
        "Config": type("Config", (), {"unique": ["row"]}),
    }
    return type("OfOne", (Contract,), body)


def numbered(values: Sequence[Any]) -> list[dict[str, Any]]:
    """Rows of `of_one` with these values."""
    return [{"row": number, "value": value} for number, value in enumerate(values)]


def frame(contract: TableContract, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The rows as pandera validates them: a frame of Arrow types, where NaN is a value and null is not."""
    return pa.Table.from_pylist([dict(row) for row in rows], schema=contract.schema).to_pandas(
        types_mapper=pd.ArrowDtype
    )


FLOATS = st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from([0.0, -0.0, 0.1, 0.30000000000000004, 300.1])
INT16S = st.integers(-(2**15), 2**15 - 1) | st.sampled_from([0, 1, 7, 300])
INT64S = st.integers(-INT64, INT64 - 1) | st.sampled_from([0, 2**53, 2**53 + 1, INT64 - 1, -INT64])
TEXTS = st.text(max_size=6) | st.text("ab1-", max_size=4) | st.sampled_from(EDGE_TEXTS)
INSTANTS = st.datetimes(timezones=st.timezones() | st.just(UTC), allow_imaginary=False).filter(
    lambda moment: 1900 < moment.year < 2100
) | st.sampled_from([datetime(2013, 3, 10, 7, tzinfo=UTC) + timedelta(microseconds=step) for step in (-1, 0, 1)])
DATES = st.dates()
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    Float64: FLOATS,
    Int16: INT16S,
    Int64: INT64S,
    Text: TEXTS,
    Instant: INSTANTS,
    Date: DATES,
    Bool: st.booleans(),
}
