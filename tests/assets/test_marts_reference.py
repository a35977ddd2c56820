"""Every mart of the real year against plain pandas, and what dbt says of its columns against the contracts."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from tests.assets.mart_sources import RELATIONS, TABLES, register, write_sources

from flights.features.delay_features import table as delay_features_table
from flights.features.flights import table as flights_table
from flights.marts import tables
from flights.model.predictions import table as predictions_table
from flights.raw.airlines import table as airlines_table
from flights.raw.weather import table as weather_table
from taxiway.contracts import check_schema
from taxiway.marts import Build, DbtProject, build_marts
from taxiway.storage import Store

SOURCES = Path(__file__).parents[2] / "dbt_project"
LATE_MIN = 15


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sources(tmp_path_factory.mktemp("sources"))


@pytest.fixture(scope="module")
def frames(sources: Path) -> Mapping[str, pd.DataFrame]:
    return {relation: pd.read_parquet(sources / f"{relation}.parquet") for relation in RELATIONS}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> DbtProject:
    project = DbtProject(SOURCES, tmp_path_factory.mktemp("states"))
    project.prepare()
    return project


@pytest.fixture(scope="module")
def build(project: DbtProject, sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Build:
    return build_marts(
        project,
        [table.address.name for table in tables],
        scratch=tmp_path_factory.mktemp("scratch"),
        register=partial(register, folder=sources),
        lake=Store(str(sources)),
        variables={"threads": 2},
    )


def groups(frame: pd.DataFrame, key: list[str]) -> Iterator[tuple[tuple, pd.DataFrame]]:
    for values, group in frame.groupby(key):
        assert isinstance(values, tuple)
        yield values, group


def known(frame: pd.DataFrame, column: str) -> list:
    return [value for value in frame[column].tolist() if not pd.isna(value)]


def mean(frame: pd.DataFrame, column: str) -> float | None:
    whole = [int(value) for value in known(frame, column)]
    return sum(whole) / len(whole) if whole else None


def late_share(flights: pd.DataFrame) -> float | None:
    delays = known(flights, "arr_delay_min")
    return sum(delay >= LATE_MIN for delay in delays) / len(delays) if delays else None


def hundredths(frame: pd.DataFrame, column: str) -> list[int]:
    return [round(value * 100) for value in known(frame, column)]


def airport_day(frames: Mapping[str, pd.DataFrame]) -> list[dict]:
    weather = frames["raw.weather"]
    local_day = weather["observed_at"].dt.tz_convert("America/New_York").dt.date
    weather_of = dict(groups(weather.assign(day=local_day), ["origin", "day"]))
    rows = []
    for (origin, day), flights in groups(frames["feature.flights"], ["origin", "flight_date"]):
        delays = sorted(known(flights, "dep_delay_min"))
        by_hour = {hour: mean(group, "dep_delay_min") for (hour,), group in groups(flights, ["scheduled_hour"])}
        left = {hour: delay for hour, delay in by_hour.items() if delay is not None}
        there = weather_of.get((origin, day), weather.head(0))
        temperatures, rain = hundredths(there, "temp"), hundredths(there, "precip")
        rows.append(
            {
                "origin": origin,
                "flight_date": day,
                "flights": len(flights),
                "cancelled": sum(flights["is_cancelled"].tolist()),
                "mean_dep_delay_min": mean(flights, "dep_delay_min"),
                # The smallest delay that at least nine in ten do not exceed.
                "p90_dep_delay_min": int(delays[(9 * len(delays) + 9) // 10 - 1]) if delays else None,
                "late_share": late_share(flights),
                "worst_hour": min(left, key=lambda hour: (-left[hour], hour)) if left else None,
                "mean_temperature_f": sum(temperatures) / 100 / len(temperatures) if temperatures else None,
                "precipitation_in": sum(rain) / 100 if rain else None,
                "max_wind_speed_mph": max(known(there, "wind_speed"), default=None),
                "min_visibility_mi": min(known(there, "visib"), default=None),
            }
        )
    return rows


def by_month(frames: Mapping[str, pd.DataFrame], key: list[str]) -> list[dict]:
    rows = [
        {
            **dict(zip([*key, "month"], values, strict=True)),
            "distance_mi": int(flights["distance_mi"].max()),
            "flights": len(flights),
            "cancelled_share": sum(flights["is_cancelled"].tolist()) / len(flights),
            "mean_arr_delay_min": mean(flights, "arr_delay_min"),
            "late_share": late_share(flights),
        }
        for values, flights in groups(frames["feature.flights"], [*key, "month"])
    ]
    for row in rows:
        others = [other["late_share"] for other in rows if other["month"] == row["month"]]
        better = [share for share in others if share is not None and share < (row["late_share"] or 0)]
        row["punctuality_rank"] = None if row["late_share"] is None else len(better) + 1
    return rows


def carrier_month(frames: Mapping[str, pd.DataFrame]) -> list[dict]:
    names = dict(zip(frames["raw.airlines"]["carrier"], frames["raw.airlines"]["name"], strict=True))
    rows = by_month(frames, ["carrier"])
    return [
        {key: value for key, value in row.items() if key != "distance_mi"} | {"airline": names[row["carrier"]]}
        for row in rows
    ]


def route_month(frames: Mapping[str, pd.DataFrame]) -> list[dict]:
    return by_month(frames, ["origin", "dest"])


def delay_by_hour(frames: Mapping[str, pd.DataFrame]) -> list[dict]:
    key = ["origin", "scheduled_weekday", "scheduled_hour"]
    return [
        {
            **dict(zip(key, values, strict=True)),
            "flights": len(flights),
            "mean_dep_delay_min": mean(flights, "dep_delay_min"),
            "late_share": late_share(flights),
        }
        for values, flights in groups(frames["feature.flights"], key)
    ]


def prediction_quality(frames: Mapping[str, pd.DataFrame]) -> list[dict]:
    labels = frames["feature.delay_features"].dropna(subset=["is_late"])
    joined = labels.merge(frames["model.predictions"], on=["flight_id", "month"])
    rows = []
    for (month, carrier), flights in groups(joined, ["month", "carrier"]):
        pairs = list(zip(flights["probability_late"].tolist(), flights["is_late"].tolist(), strict=True))
        rows.append(
            {
                "month": month,
                "carrier": carrier,
                "flights": len(pairs),
                "mean_probability": pytest.approx(sum(p for p, _ in pairs) / len(pairs), abs=1e-9),
                "late_share": sum(late for _, late in pairs) / len(pairs),
                "brier_score": pytest.approx(sum((p - late) ** 2 for p, late in pairs) / len(pairs), abs=1e-9),
            }
        )
    return rows


REFERENCES = (airport_day, carrier_month, route_month, delay_by_hour, prediction_quality)


@pytest.mark.parametrize("reference", REFERENCES, ids=lambda reference: reference.__name__)
def test_mart_is_what_pandas_computes(reference, frames: Mapping[str, pd.DataFrame], build: Build) -> None:
    (table,) = (table for table in tables if table.address.name == reference.__name__)

    def key(row: dict) -> tuple:
        return tuple(row[name] for name in table.rules.key)

    built = sorted(build.rows(reference.__name__).to_pylist(), key=key)
    expected = sorted(reference(frames), key=key)
    assert [key(row) for row in built] == [key(row) for row in expected]
    different = [(one, other) for one, other in zip(built, expected, strict=True) if one != other]
    assert not different, f"{len(different)} rows differ, the first: {different[0]}"


def test_every_dbt_test_passes_on_the_real_year(build: Build, project: DbtProject) -> None:
    assert build.failures == ()
    run = {result.name for result in build.results if result.kind == "test"}
    assert run == {node["name"] for node in project.manifest["nodes"].values() if node["resource_type"] == "test"}
    assert all(build.tests_of(table.address.name) for table in tables)


@pytest.mark.parametrize("table", tables, ids=lambda table: table.at)
def test_contract_and_dbt_describe_the_same_columns(table, build: Build, project: DbtProject) -> None:
    assert check_schema(table.rules, build.rows(table.address.name).schema) == []
    node = project.manifest["nodes"][f"model.flights.{table.address.name}"]
    assert node["description"] == table.rules.description
    described = {name: column["description"] for name, column in node["columns"].items()}
    assert described == {name: column.description for name, column in table.rules.columns.items()}


def test_sources_have_the_types_of_the_real_tables() -> None:
    real = (flights_table, delay_features_table, weather_table, airlines_table, predictions_table)
    for ours, table in zip(TABLES, real, strict=True):
        assert ours.at == table.at
        schema = table.rules.ibis_schema
        assert {name: schema[name] for name in ours.rules.ibis_schema} == dict(ours.rules.ibis_schema.items())
