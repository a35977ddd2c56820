"""What kind a table is: portable where it can be, bound to one engine where not, refused where it varies."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pytest
from tests.working import land, rows, run, statuses, with_table, workspace

from taxiway.contracts import Contract, Float64, Text, column, row_rule, table
from taxiway.engines import open_engine
from taxiway.engines.dialects import DIALECTS
from taxiway.errors import DefinitionError, UsageError
from taxiway.materialise import Workspace, kind_of, make_plan, make_script, materialise
from taxiway.tables import Project, Table
from taxiway.transforms import arrow_transform, transform

AT = "feature/levels"


class Levels(Contract):
    """A row for each gauge."""

    gauge: Text = column("The gauge's code")
    level: Float64 = column("Something of its levels", nullable=True)

    class Config:
        unique = ["gauge"]
        metadata = table()


class Exponential(Levels):
    """A row for each gauge."""

    class Config(Levels.Config):
        pass

    @row_rule("its exponential is small")
    def small(t: ir.Table) -> ir.Value:
        return t.level.exp() < 1e300


@transform
def most(raw_readings: ir.Table) -> ir.Table:
    return raw_readings.group_by("gauge").aggregate(level=raw_readings.level_cm.max().cast("float64"))


@transform
def deviation(raw_readings: ir.Table) -> ir.Table:
    return raw_readings.group_by("gauge").aggregate(level=raw_readings.level_cm.std())


@transform
def drawn(raw_readings: ir.Table) -> ir.Table:
    return raw_readings.select("gauge", level=ibis.random())


@transform
def unwritten(raw_readings: ir.Table) -> ir.Table:
    t: Any = raw_readings
    return t.group_by("gauge").aggregate(level=t.level_cm.cov(t.level_cm).cast("int64").hash().cast("float64"))


@arrow_transform(prepare=most)
def most_again(levels: pa.Table) -> pa.Table:
    return levels


@arrow_transform(prepare=deviation)
def deviation_again(levels: pa.Table) -> pa.Table:
    return levels


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    return workspace(tmp_path / "home", months=2, parameters={})


KINDS = {
    "portable": Table(AT, Levels, most),
    "python": Table(AT, Levels, most_again),
    "bound to duckdb: deviation uses x.std()": Table(AT, Levels, deviation),
    "bound to spark: deviation uses x.std()": Table(AT, Levels, deviation, engine="spark"),
    "bound to duckdb: rule small uses x.exp()": Table(AT, Exponential, most),
    "bound to duckdb: deviation uses x.var()": Table(AT, Levels, deviation_again),
}


@pytest.mark.parametrize("told", KINDS)
def test_the_kind_is_told_from_the_transform_what_prepares_and_the_rules(place: Workspace, told: str) -> None:
    kind = kind_of(place, KINDS[told])
    assert str(kind).startswith(told.replace("x.var()", "x.std()"))
    assert ("write instead" in str(kind)) == (kind.word == "bound")
    assert kind.float_tolerance == (1e-12 if kind.word == "bound" else 0)


def test_a_table_states_its_tolerance(place: Workspace) -> None:
    assert kind_of(place, Table(AT, Levels, deviation, float_tolerance=0.0)).float_tolerance == 0
    assert kind_of(place, Table(AT, Levels, most, float_tolerance=1e-6)).float_tolerance == 1e-6
    with pytest.raises(DefinitionError, match="float_tolerance=1 is no share"):
        Table(AT, Levels, most, float_tolerance=1)


def test_a_project_or_a_table_may_require_that_it_is_portable(place: Workspace) -> None:
    bound, strict = Table(AT, Levels, deviation), replace(place.project, portable="required")
    demanding = Workspace(strict, place.settings)
    with pytest.raises(DefinitionError, match=r"deviation: not the same on every engine(.|\n)*portable=\"preferred\""):
        kind_of(demanding, bound)
    assert kind_of(demanding, replace(bound, portable="preferred")).word == "bound"
    with pytest.raises(DefinitionError, match="not the same on every engine"):
        kind_of(place, replace(bound, portable="required"))
    with pytest.raises(DefinitionError, match="'requird': did you mean required"):
        Project("x", (), portable="requird")  # pyright: ignore[reportArgumentType]


def test_what_may_be_another_each_time_is_refused_everywhere(place: Workspace) -> None:
    with pytest.raises(DefinitionError, match=r"drawn: two runs may give other rows(.|\n)*write instead"):
        kind_of(place, Table(AT, Levels, drawn, portable="preferred"))


def test_a_bound_table_is_made_by_its_engine_alone(place: Workspace) -> None:
    place = with_table(place, Table(AT, Levels, deviation))
    land(place)
    run(place, "raw/readings")
    assert statuses(run(place, AT)) == {"*": "published"}
    assert statuses(run(place, AT)) == {"*": "skipped"}
    assert [row["level"] > 0 for row in rows(place.lake, AT)] == [True, True]
    elsewhere = with_table(place, Table(AT, Levels, deviation, engine="spark"))
    with pytest.raises(UsageError, match=r"does not run on duckdb: it is bound to spark: deviation uses x.std\(\)"):
        materialise(elsewhere, elsewhere.project.table(AT), ["*"], open_engine(place.settings, "duckdb"), run="test")
    with pytest.raises(UsageError, match="does not run on spark"):
        make_script(place, place.project.table(AT), DIALECTS["spark"])
    assert make_plan(elsewhere, elsewhere.project.table(AT), ["*"]).to_compute, (
        "what another engine made is not its own"
    )
