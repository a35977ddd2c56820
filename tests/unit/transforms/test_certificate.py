"""What is refused when definitions load, and what its author is told; no engine is started."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pyarrow as pa
import pytest
from tests import gauges
from tests.gauges.project import RawGauges
from tests.parity import hard_values, proofs
from tests.working import ROOT, with_table, workspace

from flights.project import project as flights
from taxiway.contracts import Contract, Float64, Int64, Text, column, row_rule, table
from taxiway.errors import DefinitionError
from taxiway.landing import CSV
from taxiway.marts import DbtProject
from taxiway.materialise import Workspace, kind_of
from taxiway.orchestration import build_definitions
from taxiway.project_check import without_broken
from taxiway.settings import load_settings
from taxiway.tables import Table
from taxiway.transforms import arrow_transform, transform
from taxiway.transforms.catalogue import CATALOGUE
from taxiway.transforms.catalogue.listing import listing
from taxiway.transforms.catalogue.patterns import is_portable
from taxiway.transforms.certificate import certify
from taxiway.transforms.compile import to_sql
from taxiway.transforms.library.typing import typed

HARD = ibis.table(ibis.Schema.from_pyarrow(hard_values.hard(0, 1).schema), name="hard")
OTHER = ibis.table(ibis.Schema.from_pyarrow(hard_values.other(0, 1).schema), name="other")
REFUSED = [entry for entry in CATALOGUE if not entry.certified]


def refusal(expression: ir.Expr, **keys: frozenset[str]) -> str:
    with pytest.raises(DefinitionError) as refused:
        certify("feature/made: by_hand", expression, keys)
    return str(refused.value)


@pytest.mark.parametrize("entry", REFUSED, ids=lambda entry: entry.name)
def test_a_refusal_names_table_operator_reason_and_way_out(entry: Any):
    of_rows = [*proofs.ROWS.get(entry.name, ()), *proofs.WINDOWS.get(entry.name, ())]
    made = [HARD.select(x=use(HARD)) for use in of_rows]
    made += [HARD.group_by("g").aggregate(x=use(HARD)) for use in proofs.AGGREGATES.get(entry.name, ())]
    made += [use(HARD, OTHER) for use in proofs.TABLES.get(entry.name, ())]
    assert made
    for expression in made:
        told = refusal(expression, hard=frozenset({"id"}))
        for part in ("feature/made", "by_hand", entry.written, entry.differs, entry.instead):
            assert part in told


def test_a_refusal_says_where_and_names_all_that_is_refused():
    told = refusal(HARD.aggregate(mean=HARD.f.mean(), low=HARD.s.lower().max()))
    assert "Mean(f)" in told
    assert "Lowercase(s)" in told
    assert "the mean of whole numbers" in told


def test_what_is_in_no_entry_is_refused_by_its_name():
    told = refusal(HARD.select(x=HARD.s.translate("ab", "xy")))
    assert "translate() of string" in told
    assert "batch_transform" in told


@pytest.mark.parametrize(
    "value",
    [ibis.now(), ibis.today(), ibis.random(), ibis.uuid(), proofs.gen_random_uuid(), HARD.rowid()],
    ids=lambda value: type(value.op()).__name__,
)
def test_what_is_another_value_each_time_is_called_so_and_sent_to_no_function(value: Any):
    told = refusal(HARD.select("s", x=value))
    assert "not reproducible" in told
    assert "batch" not in told
    assert "pandas" not in told


def test_functions_that_sessions_do_not_share_are_refused():
    @ibis.udf.scalar.builtin(signature=((dt.string,), dt.string))
    def strip_accents(text): ...

    assert "strip_accents()" in refusal(HARD.select(x=strip_accents(HARD.s)))


def test_text_is_a_value_only_of_the_form_that_typed_takes():
    certify("here", HARD.select(x=typed(HARD.s, dt.float64), y=HARD.s.try_cast("float64")))
    both = HARD.select(x=typed(HARD.s, dt.float64), y=HARD.s.cast("float64"))
    assert "cast" in refusal(both)
    refusal(HARD.select(x=ibis.ifelse(HARD.s.re_search("^1"), HARD.s.cast("int64"), ibis.null("int64"))))


def test_what_typed_makes_of_a_text_is_not_made_of_it_twice():
    made, tried = HARD.select(x=typed(HARD.s, dt.int64)), HARD.select(x=HARD.s.try_cast("int64"))
    for dialect in ("duckdb", "pyspark"):
        assert to_sql(made, dialect) == to_sql(tried, dialect)


def test_moments_are_of_microseconds():
    moment: Any = HARD.t
    for scale in (None, 6):
        certify("here", HARD.select(x=moment.cast(dt.Timestamp(scale=scale))))
    for scale in (0, 3, 9):
        assert "cast()" in refusal(HARD.select(x=moment.cast(dt.Timestamp(scale=scale))))


ORDERED: dict[str, Callable[[ir.Table], ir.Table]] = {
    "itself": lambda t: t,
    "selected": lambda t: t.filter(t.h > 0).select("g", "tie", "h", id="id"),
    "items grouped": lambda t: (
        t.select("id", "g", "tie", "h", item=t.v.unnest())
        .group_by("id")
        .aggregate(g=ibis._.g.max(), tie=ibis._.tie.max(), h=ibis._.h.max())
    ),
    "grouped": lambda t: t.group_by("id").aggregate(g=t.s.max(), tie=t.tie.max(), h=t.h.max()),
    "distinct": lambda t: t.select("id", "g", "tie", "h").distinct(),
    "looked up": lambda t: t.left_join(OTHER, [t.l == OTHER.u_id]),
    "chosen": lambda t: t.semi_join(OTHER, [t.s == OTHER.u_s]),
}
UNORDERED: dict[str, Callable[[ir.Table], ir.Table]] = {
    "put together": lambda t: t.union(t),
    "joined on no key": lambda t: t.left_join(OTHER, [t.s == OTHER.u_s]),
    "without the key": lambda t: t.select("g", "tie", "h", id="l"),
    "items as rows": lambda t: t.select("g", "tie", "h", "id", item=t.v.unnest()),
    "grouped by less": lambda t: t.group_by("g", "id", "s").aggregate(tie=t.tie.max(), h=t.h.max()),
}


def numbered(rows: ir.Table, *order: str) -> ir.Table:
    return rows.mutate(n=ibis.row_number().over(ibis.window(group_by="g", order_by=list(order))))


@pytest.mark.parametrize("name", ORDERED)
def test_numbers_are_certified_in_an_order_that_names_a_key(name: str):
    keys = {"hard": frozenset({"id"}), "other": frozenset({"u_id"})}
    rows = ORDERED[name](HARD)
    certify("here", numbered(rows, "tie", "id"), keys)
    assert "names every column of a key" in refusal(numbered(rows, "tie"), **keys)


@pytest.mark.parametrize("name", UNORDERED)
def test_numbers_are_refused_where_rows_may_tie(name: str):
    keys = {"hard": frozenset({"id"}), "other": frozenset({"u_id"})}
    assert "ibis.row_number()" in refusal(numbered(UNORDERED[name](HARD), "tie", "id"), **keys)


@pytest.mark.parametrize(
    "pattern", [r"^a\z", "[^a-z]+", r"(?:a|b){2,3}", r"[\-\.]", "é𝄞", "", r"[^\n]*", r"\\", "a.b$", r"[\d-]\W"]
)
def test_patterns_that_mean_the_same(pattern: str):
    assert is_portable(pattern)


@pytest.mark.parametrize("pattern", [r"\bx", "(?i)a", "(?=a)", "a++", "[[a]", "[a&&b]", "a{", r"\1", r"[\d-z]", None])
def test_patterns_that_do_not(pattern: str | None):
    assert not is_portable(pattern)


class Means(Contract):
    """A row for each gauge."""

    gauge: Text = column("The gauge's code")
    mean: Float64 = column("Deviation of its levels", nullable=True)

    class Config:
        unique = ["gauge"]
        metadata = table()


@transform
def means(raw_readings: ir.Table) -> ir.Table:
    return raw_readings.group_by("gauge").aggregate(mean=raw_readings.level_cm.std())


@transform
def raw_upper(landing_upper: ir.Table) -> ir.Table:
    return landing_upper.mutate(gauge=landing_upper.gauge.upper())


@arrow_transform(prepare=means)
def through_arrow(rows: pa.Table) -> pa.Table:
    return rows


class Ruled(Contract):
    """A row for each gauge."""

    gauge: Text = column("The gauge's code")
    source_file: Text = column("The delivered file")
    source_row: Int64 = column("The record in it")

    class Config:
        unique = ["gauge"]
        metadata = table()

    @row_rule("the code is written large")
    def large(t: ir.Table) -> ir.Value:
        return t.gauge.upper() == t.gauge


@transform
def as_delivered(landing_ruled: ir.Table) -> ir.Table:
    return landing_ruled


TABLES = {
    "feature/means: means": Table("feature/means", Means, means),
    "model/means: means": Table("model/means", Means, through_arrow),
    "raw/upper: raw_upper": Table("raw/upper", RawGauges, raw_upper, CSV("upper.csv")),
    "raw/ruled: rule large": Table("raw/ruled", Ruled, as_delivered, CSV("ruled.csv")),
}


@pytest.mark.parametrize("where", TABLES)
def test_it_is_refused_when_definitions_load(tmp_path: Path, where: str):
    here = with_table(workspace(tmp_path / "home", parameters={}), replace(TABLES[where], portable="required"))
    definitions = build_definitions(here.project, here.settings)
    (table, *readers) = without_broken(here).project.broken
    assert table.at == TABLES[where].at
    assert f": {where.split(': ')[1]}: not the same on every engine" in table.problem
    assert all(reader.reads for reader in readers), "what is made from it"
    description = definitions.resolve_asset_graph().get(dg.AssetKey(table.at.split("/"))).description or ""
    assert table.problem in description
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("project", [flights, gauges.project], ids=["flights", "gauges"])
def test_all_tables_are_certified(tmp_path: Path, project: Any):
    here = Workspace(project, load_settings("local", root=ROOT, home=tmp_path / "home"))
    for made in project.tables:
        kind_of(here, made)


def test_definitions_load_without_an_engine(tmp_path: Path):
    dbt = DbtProject.of(flights, load_settings("local", root=ROOT, home=tmp_path))
    assert dbt is not None
    dbt.prepare()
    # pandera looks for pyspark of its own accord; nothing needs it.
    code = "import sys; sys.modules['pyspark'] = sys.modules['py4j'] = None; import flights.definitions"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, env=os.environ | {"TAXIWAY_HOME": str(tmp_path)})


def test_the_page_lists_the_catalogue():
    assert listing() in (ROOT / "docs" / "portability.md").read_text()
