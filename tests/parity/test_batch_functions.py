"""Functions of batches and groups: the same frames, the same rows and the same failures on both engines."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from tests.assets.building import lake
from tests.gauges import to_the_last_day
from tests.parity.conftest import EngineFor
from tests.working import contents, land, run_all, with_table, workspace

from flights.model.delay_model import delay_model
from flights.model.predictions import Predictions, predictions, score
from taxiway.contracts import Contract, Float64, Instant, Int64, Text, column, compile_contract, table
from taxiway.engines import Engine, Session
from taxiway.errors import DefinitionError, TransformFailed
from taxiway.materialise import Workspace, materialise
from taxiway.materialise.compiled import compile_table
from taxiway.tables import Table
from taxiway.testing.bits import differences
from taxiway.transforms import BatchFunction, Lookback, pandas_transform, transform

MONTHS = ("2013-01", "2013-02")
ENGINES = ("duckdb", "spark")


class Rises(Contract):
    """How the water of each reading stands against the same gauge's 24 hours before."""

    gauge: Text = column("The gauge's code")
    read_at: Instant = column("When it was read")
    rise_cm: Float64 = column("Above the mean of the day before", unit="cm", nullable=True)
    rank: Int64 = column("Which reading of the gauge that was seen it is", ge=1)
    level_cm: Int64 = column("The level", nullable=True)
    dtypes: Text = column("The types of the frame")
    month: Text = column("The month")

    class Config:
        unique = ["gauge", "read_at"]
        metadata = table(grain="month")


COLUMNS = {name: str(dtype) for name, dtype in Table("feature/rises", Rises).rules.ibis_schema.items()}


@transform(reach={"raw_readings": Lookback(24, on="read_at")})
def seen(raw_readings: ir.Table) -> ir.Table:
    """The month's readings, and those of the 24 hours before it; whole numbers with and without missing ones."""
    return raw_readings.select(
        "gauge", "read_at", "level_cm", "source_row", "month", is_high=raw_readings.level_cm > 50
    )


def risen(rows: pd.DataFrame, day_h: int = 24) -> Any:
    """As a notebook has it: the frame of one gauge, in the order of its readings."""
    before = rows.rolling(f"{day_h}h", on="read_at", closed="left").level_cm.mean()
    made = rows[["gauge", "read_at", "level_cm", "month"]].copy()
    made["rise_cm"] = rows.level_cm - before
    made["rank"] = np.arange(1, len(rows) + 1)
    made["dtypes"] = " ".join(map(str, rows.dtypes))
    return made


rises = pandas_transform(prepare=seen, by=["gauge"], columns=COLUMNS)(risen)


@pytest.fixture
def gauges(tmp_path: Path) -> Workspace:
    """Two months of gauges, with readings up to the last hour of each."""
    place = workspace(tmp_path / "home", to_the_last_day.project)
    land(place, MONTHS)
    run_all(place, MONTHS)
    return place


def made_by(engine: Engine, place: Workspace, of: Any, contract: type[Contract] = Rises) -> pa.Table:
    """What a transform makes of both months, in the order of its columns."""
    made = Table("feature/made", contract, of)
    place = with_table(place, made)
    outcome = materialise(place, made, MONTHS, engine, run="test", force=True)
    assert not outcome.refused, [result.message for result in outcome.refused]
    found = contents(place.lake, made.at)
    return found.sort_by([(name, "ascending") for name in found.column_names])


def test_a_group_function_gives_what_pandas_gives(gauges: Workspace, engine_for: EngineFor) -> None:
    found = {name: made_by(engine_for(name, gauges.settings), gauges, rises) for name in ENGINES}
    assert found["duckdb"].num_rows == 96
    assert found["duckdb"].equals(found["spark"])
    readings = contents(gauges.lake, "raw/readings").to_pandas()
    readings = readings.astype({"level_cm": "Int64", "source_row": "Int64"})
    readings["is_high"] = readings.level_cm > 50
    readings = readings[["gauge", "read_at", "level_cm", "source_row", "month", "is_high"]].sort_values("read_at")
    for month in MONTHS:
        begins = pd.Timestamp(f"{month}-01", tz="UTC")
        frame: Any = readings[(readings.month <= month) & (readings.read_at >= begins - pd.Timedelta("24h"))]
        every: Any = pd.concat(risen(group.reset_index(drop=True)) for _, group in frame.groupby("gauge"))
        plain: Any = every[every.month == month].sort_values(["gauge", "read_at"], ignore_index=True)
        ours = found["duckdb"].filter(pc.field("month") == month).to_pandas()
        ours = ours.sort_values(["gauge", "read_at"], ignore_index=True)
        pd.testing.assert_frame_equal(ours, plain[ours.columns], check_dtype=False, check_exact=True)
        assert set(ours["dtypes"]) == {" ".join(map(str, frame.dtypes))}


def doubled(rows: pd.DataFrame, times: int = 2) -> pd.DataFrame:
    made = rows[["gauge", "read_at", "level_cm", "month"]].copy()
    made["rise_cm"] = rows.level_cm * times
    return made.assign(rank=rows.source_row, dtypes=" ".join(map(str, rows.dtypes)))


def test_a_row_wise_function_gives_what_pandas_gives(gauges: Workspace, engine_for: EngineFor) -> None:
    of = pandas_transform(prepare=seen, columns=COLUMNS)(doubled)
    found = {name: made_by(engine_for(name, gauges.settings), gauges, of) for name in ENGINES}
    assert found["duckdb"].equals(found["spark"])
    assert set(found["duckdb"]["dtypes"].to_pylist()) == {"object datetime64[us, UTC] Int64 Int64 object boolean"}
    assert found["duckdb"]["rise_cm"].null_count == found["duckdb"]["level_cm"].null_count == 8


@transform(reach={"raw_readings": Lookback(24, on="read_at")})
def large(raw_readings: ir.Table) -> ir.Table:
    """Whole numbers that no float has, of which some are missing in each month."""
    level = raw_readings.level_cm.cast("int64") + 9_007_199_254_740_993
    return raw_readings.select("gauge", "read_at", "source_row", "month", level_cm=level)


def kept(rows: pd.DataFrame) -> pd.DataFrame:
    made = rows[["gauge", "read_at", "level_cm", "month"]].assign(rise_cm=0.5, rank=rows.source_row, dtypes="")
    made["read_at"] = rows.read_at.dt.tz_convert("America/New_York")
    return made


@pytest.mark.parametrize("by", [(), ("gauge",)])
def test_large_numbers_beside_missing_ones_come_back_unchanged(
    gauges: Workspace, engine_for: EngineFor, by: tuple[str, ...]
) -> None:
    of = pandas_transform(prepare=large, by=by, columns=COLUMNS)(kept)
    found = {name: made_by(engine_for(name, gauges.settings), gauges, of) for name in ENGINES}
    assert found["duckdb"].equals(found["spark"])
    readings = contents(gauges.lake, "raw/readings").sort_by([("gauge", "ascending"), ("read_at", "ascending")])
    expected = [None if level is None else level + 2**53 + 1 for level in readings["level_cm"].to_pylist()]
    assert expected.count(None) == 8
    assert found["duckdb"]["level_cm"].to_pylist() == expected
    assert found["duckdb"]["read_at"].to_pylist() == readings["read_at"].to_pylist()


def failing(rows: pd.DataFrame) -> pd.DataFrame:
    if rows.gauge[0] == "BBB":
        raise ValueError("the water\nis too high")
    return risen(rows)


def misnamed(rows: pd.DataFrame) -> pd.DataFrame:
    return risen(rows).rename(columns={"rank": "place"})


def halved(rows: pd.DataFrame) -> pd.DataFrame:
    return risen(rows).assign(rank=0.5)


def naive(rows: pd.DataFrame) -> pd.DataFrame:
    return risen(rows).assign(read_at=rows.read_at.dt.tz_convert("Europe/Berlin").dt.tz_localize(None))


def nothing(rows: pd.DataFrame) -> None:
    return None


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (failing, "feature/made 2013-01: group gauge=BBB: ValueError: the water is too high"),
        (misnamed, r"group gauge=AAA: its function returned the columns \['gauge'.*'place'.*, declared are"),
        (halved, "column rank of its function is no int64: Float value 0.50* was truncated"),
        (naive, r"column read_at of its function is no timestamp\[us, tz=UTC\]: times without a zone are no instants"),
        (nothing, "its function returned NoneType, not a pandas frame"),
    ],
)
@pytest.mark.parametrize("name", ENGINES)
def test_what_fails_is_told_with_table_and_group(
    gauges: Workspace, engine_for: EngineFor, name: str, function: Callable[..., Any], told: str
) -> None:
    of = pandas_transform(prepare=seen, by=["gauge"], columns=COLUMNS)(function)
    with pytest.raises(TransformFailed, match=told):
        made_by(engine_for(name, gauges.settings), gauges, of)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"by": ["river"]}, "by names river, which is no column of rows"),
        ({"by": ["share"]}, "by names share, which is float64"),
        ({"columns": COLUMNS | {"rank": "int32"}}, "rank"),
        ({"columns": {"gauge": "string"}}, "column read_at is missing"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(gauges: Workspace, options: Any, told: str) -> None:
    @transform
    def shares(raw_readings: ir.Table) -> ir.Table:
        return raw_readings.mutate(share=raw_readings.level_cm / 2000)

    made = Table("feature/made", Rises, pandas_transform(**{"prepare": shares, "columns": COLUMNS} | options)(risen))
    with pytest.raises(DefinitionError, match=told):
        compile_table(with_table(gauges, made), made)


def test_a_type_that_there_is_not_is_refused() -> None:
    with pytest.raises(DefinitionError, match="write types as Ibis does"):
        pandas_transform(prepare=seen, columns={"gauge": "text"})


SCHEMA = pa.schema({"key": pa.string(), "rows": pa.int64(), "total": pa.int64()})


def summed(rows: pa.Table) -> pa.Table:
    return pa.table({"key": rows["key"][:1], "rows": [rows.num_rows], "total": [pc.sum(rows["value"]).as_py()]})


def staged(session: Session, rows: pa.Table, function: Any, schema: pa.Schema, **options: Any) -> pa.Table:
    session.load("given", rows)
    session.stage_batches("made", "SELECT * FROM given", function, schema=schema, **options)
    return session.query("SELECT * FROM made").cast(schema)


def test_groups_are_whole_however_large_and_null_is_one(engine: Engine) -> None:
    random = np.random.default_rng(5)
    keys = pa.array(random.choice(["a", "b", "c"], 300_000, p=[0.8, 0.1, 0.1])).to_pylist() + [None] * 5
    rows = pa.table({"key": pa.array(keys), "value": pa.array(range(len(keys)), pa.int64())})
    with engine.session() as session:
        made = staged(session, rows, summed, SCHEMA, by=["key"])
    expected = {key: (keys.count(key), sum(i for i, k in enumerate(keys) if k == key)) for key in set(keys)}
    assert {row["key"]: (row["rows"], row["total"]) for row in made.to_pylist()} == expected
    assert made.num_rows == 4


@pytest.mark.parametrize("by", [(), ("key",)])
def test_no_rows_make_none_and_results_add_up(engine: Engine, by: tuple[str, ...]) -> None:
    rows = pa.table({"key": ["a", "a"], "value": pa.array([1, 2], pa.int64())})
    with engine.session() as session:
        assert staged(session, rows.slice(0, 0), summed, SCHEMA, by=by).num_rows == 0
        session.load("given", rows)
        for _ in range(2):
            session.stage_batches("made", "SELECT * FROM given", summed, by=by, schema=SCHEMA)
        made = session.query("SELECT * FROM made").to_pylist()
    assert sum(row["rows"] for row in made) == 4
    assert sum(row["total"] for row in made) == 6


@pytest.fixture(scope="module")
def february() -> pa.Table:
    """The features of a real month."""
    return lake(MONTHS)["feature_delay_features"].filter(pc.field("month") == "2013-02")


@pytest.fixture(scope="module")
def model() -> dict[str, Any]:
    """A model of it, with few trees."""
    january = lake(MONTHS)["feature_delay_features"].filter(pc.field("month") == "2013-01")
    known = january.filter(pc.field("is_late").is_valid())
    (row,) = delay_model(known, partition="2013-02", first_model_month="2013-02", trees=20, model_threads=1).to_pylist()
    return row


def test_predictions_are_the_same_to_the_bit(engine: Engine, february: pa.Table, model: dict[str, Any]) -> None:
    schema = compile_contract(Predictions).schema
    whole = score(february, model["model"], model["model_version"], "2013-02")
    models = pa.table({"model": [model["model"]], "model_version": [model["model_version"]], "month": ["2013-02"]})
    function = BatchFunction(
        predictions.arrow_function, {"models": models}, february.schema, schema, (), ("month", "2013-02")
    )
    with engine.session() as session:
        made = staged(session, february, function, schema)
    assert made.num_rows == 24_951
    assert differences(made, whole, ["flight_id"]) == []


def rested(rows: pd.DataFrame) -> Any:
    """How long each aircraft has been on the ground, and how late its day has been so far."""
    landed = rows.arrived_at.shift()
    made = rows[["flight_id"]].copy()
    made["rest_min"] = (rows.departed_at - landed).dt.total_seconds() / 60
    made["mean_delay_min"] = rows.dep_delay_min.expanding().mean().shift()
    return made


def test_a_real_month_by_aircraft_is_what_groupby_apply_gives(engine: Engine) -> None:
    names = ["tailnum", "departed_at", "flight_id", "arrived_at", "dep_delay_min"]
    flown = lake(MONTHS)["feature_flights"].filter(pc.field("month") == "2013-02").select(names)
    columns = {"flight_id": "string", "rest_min": "float64", "mean_delay_min": "float64"}

    @pandas_transform(prepare=seen, by=["tailnum"], columns=columns)
    def rest(rows: pd.DataFrame) -> pd.DataFrame:
        return rested(rows)

    schema = pa.schema({"flight_id": pa.string(), "rest_min": pa.float64(), "mean_delay_min": pa.float64()})
    function = BatchFunction(rest.arrow_function, {}, flown.schema, schema, rest.by)
    with engine.session() as session:
        made = staged(session, flown, function, schema, by=rest.by)
    frame = flown.to_pandas().sort_values(names[:3])
    plain = frame.groupby("tailnum", dropna=False, group_keys=False)[frame.columns].apply(rested)
    assert made.num_rows > 24_000
    assert differences(made, pa.Table.from_pandas(plain, schema, preserve_index=False), ["flight_id"]) == []
