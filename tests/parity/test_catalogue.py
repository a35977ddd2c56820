"""The catalogue of operators on both engines: what is certified agrees to the bit, what is refused does differ.

Rows of values on which engines fall out are computed in one query an engine; a refused operator alone.
"""

import math
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.parity import hard_values, proofs
from tests.parity.conftest import ENGINES, EngineFor
from tests.working import SOAK

from taxiway.engines import Session
from taxiway.errors import DefinitionError, EngineError, TaxiwayError
from taxiway.settings import Settings
from taxiway.transforms.catalogue import CATALOGUE
from taxiway.transforms.certificate import used
from taxiway.transforms.compile import to_sql

SEED = 1582
UNWRITTEN = "no SQL"
KEYS = {"hard": frozenset({"id"}), "other": frozenset({"u_id"})}
CERTIFIED = [entry.name for entry in CATALOGUE if entry.certified]
REFUSED = [entry.name for entry in CATALOGUE if not entry.certified]
NOT_REPRODUCIBLE = [entry.name for entry in CATALOGUE if entry.differs.startswith("not reproducible")]
AGGREGATED = {name: uses for name, uses in proofs.AGGREGATES.items() if name in CERTIFIED}
SELECTED = {name: uses for name, uses in proofs.ROWS.items() if name in CERTIFIED}
WINDOWED = {name: uses for name, uses in proofs.WINDOWS.items() if name in CERTIFIED}
JOINED = [(name, number) for name in proofs.TABLES if name in CERTIFIED for number in range(len(proofs.TABLES[name]))]

TABLES = {"hard": hard_values.hard(SEED), "other": hard_values.other(SEED)}
TABLES["backwards"] = TABLES["hard"].take(pa.array(reversed(range(TABLES["hard"].num_rows))))


def unbound(name: str, rows: pa.Table) -> ir.Table:
    return ibis.table(ibis.Schema.from_pyarrow(rows.schema), name=name)


HARD, OTHER, BACKWARDS = (unbound(name, rows) for name, rows in TABLES.items())


@pytest.fixture(scope="module")
def sessions(engine_for: EngineFor, parity_settings: Settings) -> Iterator[Sequence[Session]]:
    """A session of each engine in which the tables are; on more than one file, so that rows come in any order."""
    with ExitStack() as stack:
        opened = [stack.enter_context(engine_for(name, parity_settings).session()) for name in ENGINES]
        for session in opened:
            for name, rows in TABLES.items():
                half = rows.num_rows // 2
                session.load(name, rows.slice(0, half))
                session.load(name, rows.slice(half))
        yield opened


def run(session: Session, expression: ir.Table) -> list[tuple[Any, ...]]:
    """The rows of an expression with the types that Ibis states, in an order that depends on nothing but them."""
    session.stage("found", to_sql(expression, session.dialect), expression.schema().to_pyarrow())
    columns = [plain(column) for column in session.query("SELECT * FROM found").itercolumns()]
    return sorted(zip(*columns, strict=True), key=lambda row: [repr(value) for value in row])


def plain(column: pa.ChunkedArray) -> list[Any]:
    """Values that are equal where they are the same to the bit; NaN is one value."""
    if pa.types.is_temporal(column.type):
        return column.cast(pa.int32() if pa.types.is_date(column.type) else pa.int64()).to_pylist()
    return [bits(value) for value in column.to_pylist()]


def bits(value: Any) -> Any:
    if isinstance(value, float):
        return ("float", "nan" if math.isnan(value) else struct.pack(">d", value).hex(), value)
    return [bits(item) for item in value] if isinstance(value, list) else value


def outcome(session: Session, expression: ir.Table) -> Any:
    """The rows of an expression, or that it cannot be computed, or that Ibis has no SQL for it."""
    try:
        to_sql(expression, session.dialect)
    except (ibis.common.exceptions.IbisError, DefinitionError, TypeError, AttributeError):
        return UNWRITTEN
    try:
        return run(session, expression)
    except TaxiwayError as error:
        return type(error)


def columns_of(uses: proofs.Uses, rows: ir.Table) -> dict[str, Any]:
    """A column for every use; `name 0` is the first of a name."""
    return {f"{name} {number}": use(rows) for name, own in uses.items() for number, use in enumerate(own)}


def selected(uses: proofs.Uses, rows: ir.Table) -> ir.Table:
    return rows.select("id", **columns_of(uses, rows))


def check(sessions: Sequence[Session], expression: ir.Table) -> None:
    left, right = (run(session, expression) for session in sessions)
    assert len(left) == len(right)
    for one, other in zip(left, right, strict=True):
        differing = {
            name: values
            for name, *values in zip(expression.columns, one, other, strict=True)
            if repr(values[0]) != repr(values[1])
        }
        assert not differing, f"{differing} in {dict(zip(expression.columns, one, strict=True))}"


def makers(name: str) -> Iterator[Callable[[ir.Table], ir.Table]]:
    """What makes an expression of a table for each use."""
    of_rows = [*proofs.ROWS.get(name, ()), *proofs.WINDOWS.get(name, ())]
    yield from (lambda t, use=use: t.select("id", x=use(t)) for use in of_rows)
    yield from (lambda t, use=use: t.group_by("g").aggregate(x=use(t)) for use in proofs.AGGREGATES.get(name, ()))
    yield from (lambda t, use=use: use(t, OTHER) for use in proofs.TABLES.get(name, ()))


def expressions(name: str) -> Iterator[ir.Expr]:
    yield from (make(HARD) for make in makers(name))


@pytest.mark.parametrize("name", CERTIFIED)
def test_every_certified_operator_has_a_proof_that_uses_it_and_nothing_that_is_refused(name: str):
    made = list(expressions(name))
    assert made
    for expression in made:
        entries = {entry.name: entry for _, entry in used(expression, KEYS)}
        assert name in entries
        assert not [entry for entry in entries.values() if not entry.certified]


@pytest.mark.parametrize("name", REFUSED)
def test_every_refused_operator_has_a_use_in_which_it_is_refused(name: str):
    made = list(expressions(name))
    assert made
    for expression in made:
        assert name in {entry.name for _, entry in used(expression, KEYS)}


def test_proofs_are_of_entries():
    named = set().union(proofs.ROWS, proofs.WINDOWS, proofs.AGGREGATES, proofs.TABLES, proofs.RAISES)
    assert not named - set(CERTIFIED) - set(REFUSED)
    assert len(CATALOGUE) == len({entry.name for entry in CATALOGUE})


@pytest.mark.parametrize("rows", ["some", "none"])
@pytest.mark.parametrize("uses", [SELECTED, WINDOWED], ids=["rows", "windows"])
def test_values_agree(sessions: Sequence[Session], uses: proofs.Uses, rows: str):
    check(sessions, selected(uses, HARD if rows == "some" else HARD.filter(HARD.id < 0)))


@pytest.mark.parametrize("uses", [SELECTED, WINDOWED], ids=["rows", "windows"])
def test_values_have_the_types_that_ibis_states(sessions: Sequence[Session], uses: proofs.Uses):
    expression = selected(uses, HARD)
    wanted = expression.schema().to_pyarrow()
    for session in sessions:
        found = session.query(f"SELECT * FROM ({to_sql(expression, session.dialect)}) WHERE 1 = 0").schema
        differing = {
            column.name: (column.type, found.field(column.name).type)
            for column in wanted
            if not alike(column.type, found.field(column.name).type, session.dialect)
        }
        assert not differing, (session.dialect, differing)


def alike(stated: pa.DataType, found: pa.DataType, dialect: str) -> bool:
    """Whether types are the same but for the width of whole numbers, which the staging brings into line.

    To Spark, in a session of UTC, clocks and instants are one; DuckDB reads a zone by which of the two it has.
    """
    if pa.types.is_list(stated):
        return pa.types.is_list(found) and alike(stated.value_type, found.value_type, dialect)
    if pa.types.is_integer(stated):
        return pa.types.is_integer(found)
    if pa.types.is_timestamp(stated):
        return pa.types.is_timestamp(found) and (dialect == "pyspark" or (stated.tz is None) == (found.tz is None))
    return stated == found or (pa.types.is_string(stated) and pa.types.is_large_string(found))


@pytest.mark.parametrize("grouped", [True, False], ids=["groups", "whole"])
@pytest.mark.parametrize("rows", ["some", "none"])
def test_aggregates_agree(sessions: Sequence[Session], grouped: bool, rows: str):
    source = HARD if rows == "some" else HARD.filter(HARD.id < 0)
    check(sessions, (source.group_by("g") if grouped else source).aggregate(**columns_of(AGGREGATED, source)))


@pytest.mark.parametrize(("name", "number"), JOINED)
def test_tables_agree(sessions: Sequence[Session], name: str, number: int):
    check(sessions, proofs.TABLES[name][number](HARD, OTHER))


@settings(max_examples=10 if SOAK else 2, derandomize=True)
@given(seed=st.integers(0, 2**32))
def test_values_of_other_rows_agree(sessions: Sequence[Session], seed: int):
    tables = {f"hard_{seed}": hard_values.hard(seed, 900), f"other_{seed}": hard_values.other(seed)}
    for session in sessions:
        for name, rows in tables.items():
            session.load(name, rows)
    hard, other = (unbound(name, rows) for name, rows in tables.items())
    check(sessions, selected(SELECTED, hard))
    check(sessions, selected(WINDOWED, hard))
    check(sessions, hard.group_by("g").aggregate(**columns_of(AGGREGATED, hard)))
    for name, number in JOINED:
        check(sessions, proofs.TABLES[name][number](hard, other))


@pytest.mark.parametrize("name", proofs.RAISES)
def test_what_does_not_fit_is_an_error_on_every_engine(sessions: Sequence[Session], name: str):
    for use, values in proofs.RAISES[name]:
        given = {name: proofs.written(value) for name, value in values.items()}
        rows = HARD.filter(HARD.id < 3).mutate(**{name: value.cast(HARD[name].type()) for name, value in given.items()})
        made = rows.select(x=use(rows))
        assert name in {entry.name for _, entry in used(made, KEYS)}
        found = [outcome(session, made) for session in sessions]
        assert not [rows for rows in found if isinstance(rows, list)], found


def test_a_sum_is_the_total_or_an_error_where_a_part_of_it_does_not_fit(sessions: Sequence[Session]):
    """Spark adds in 64 bits, so a partial sum beyond them is an error though the total fits; never another number."""
    rows = HARD.filter(HARD.id < 3)
    number: Any = rows.id
    parts = rows.mutate(part=number.cases((0, 2**63 - 1), (1, 1), (2, -1)))
    (total,), spark = (outcome(session, parts.aggregate(x=parts.part.sum())) for session in sessions)
    assert total == (2**63 - 1,)
    assert spark in ([total], EngineError)


@pytest.mark.parametrize("name", NOT_REPRODUCIBLE)
def test_what_is_not_reproducible_is_another_the_next_time(sessions: Sequence[Session], name: str):
    """Where an engine answers at all; today is another day tomorrow, and a row lies elsewhere in other files."""
    for make in makers(name):
        for session in sessions:
            first, second = (outcome(session, make(HARD)) for _ in range(2))
            lasting = make(HARD).op().find((ops.DateNow, ops.RowID))
            assert lasting or not isinstance(first, list) or first != second, f"{name}: the same twice"


@pytest.mark.parametrize("name", [name for name in REFUSED if name not in NOT_REPRODUCIBLE])
def test_what_is_refused_differs(sessions: Sequence[Session], name: str):
    """Engines give other rows, or one has none; or one gives others of the same rows that come in another order."""
    for make in makers(name):
        found = [outcome(session, make(HARD)) for session in sessions]
        has_answers = [isinstance(rows, list) for rows in found]
        assert any(has_answers) or UNWRITTEN in found, f"{name}: {found} of these rows show nothing"
        if all(has_answers) and found[0] == found[1]:
            found += [outcome(session, make(BACKWARDS)) for session in sessions]
        agree = all(has_answers) and all(one == found[0] for one in found)
        assert not agree, f"{name}: engines agree on {ibis.to_sql(make(HARD), dialect='duckdb')}: certify it"
