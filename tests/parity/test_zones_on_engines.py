"""Time zones by their names: those that are known show the same clock on each engine, all others none."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import available_timezones

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pytest
from tests.parity.conftest import ENGINES, EngineFor
from tests.working import SOAK

from taxiway.calendar import GRAINS, Calendar
from taxiway.engines import Session
from taxiway.settings import Settings
from taxiway.transforms.certificate import certify
from taxiway.transforms.compile import to_sql
from taxiway.transforms.library import clock
from taxiway.zones import ZONES
from taxiway.zones.java import java_file, read_java_zones

INSTANT = pa.timestamp("us", "UTC")
UNKNOWN = ["Mars/Olympus", "", " ", "America/New_York ", "america/new_york", "AMERICA/NEW_YORK", "America", "America/"]
UNKNOWN += [
    "EST",
    "PST",
    "GMT+5",
    "UTC+5",
    "+05:00",
    "Z",
    "SystemV/EST5",
    "posix/UTC",
    "../UTC",
    "UTC\0",
    "Ümlaut",
    "N/A",
]
# Of earlier and later years the tz data that engines come with differ.
TIMES = [datetime(2000, 1, 1, tzinfo=UTC) + timedelta(days=57, minutes=7 * n) * n for n in range(150)]


@pytest.fixture(scope="module")
def sessions(engine_for: EngineFor, parity_settings: Settings) -> Iterator[Sequence[Session]]:
    with ExitStack() as stack:
        yield [stack.enter_context(engine_for(name, parity_settings).session()) for name in ENGINES]


def shown(rows: ir.Table) -> ir.Table:
    at: Any = rows["at"]
    zone = rows["zone"]
    clocks = {"shown": clock.local_clock(at, zone), "back": clock.instant_of(at.cast(clock.CLOCK), zone)}
    made = rows.select("at", "zone", known=clock.is_zone(zone), **clocks)
    return clock.next_clock(made.mutate(hhmm=ibis.literal(1200)), "noon", after="at", hhmm="hhmm", zone="zone")


def computed(session: Session, cases: Sequence[tuple[datetime, str | None]]) -> list[dict[str, Any]]:
    at, zone = zip(*cases, strict=True)
    rows = pa.table({"at": pa.array(at, INSTANT), "zone": pa.array(zone, pa.string())})
    relation = f"rows_{len(cases)}"
    session.load(relation, rows)
    made = shown(ibis.table(ibis.Schema.from_pyarrow(rows.schema), name=relation))
    certify("shown", made)
    session.stage("found", to_sql(made, session.dialect), made.schema().to_pyarrow())
    found = session.query("SELECT * FROM found").to_pylist()
    return sorted(found, key=lambda row: (row["zone"] or "", row["at"]))


def test_a_known_zone_shows_the_same_clock_everywhere(sessions: Sequence[Session]) -> None:
    cases = [(at, zone) for zone in sorted(ZONES) for at in TIMES[:: 1 if SOAK else 8]]
    one, other = (computed(session, cases) for session in sessions)
    assert one == other
    assert all(row["known"] is True and row["shown"] and row["back"] and row["noon"] for row in one)
    assert available_timezones() >= ZONES


def test_java_s_zone_data_is_read_as_java_reads_it(engine_for: EngineFor, parity_settings: Settings) -> None:
    spark: Any = engine_for("spark", parity_settings)
    file = java_file()
    zones = read_java_zones(file) if file is not None else None
    assert zones is not None
    instants = [round(at.timestamp()) + 73 * 365 * 86_400 * late for at in TIMES for late in (0, 1)]
    session = spark.started
    session.createDataFrame([(zone,) for zone in zones.rules], "zone string").createOrReplaceTempView("java_zones")
    offset = "unix_seconds(from_utc_timestamp(timestamp_seconds(at), zone)) - at"
    listed = f"array({', '.join(map(str, instants))})"
    asked = f"SELECT zone, transform({listed}, at -> {offset}) AS offsets FROM java_zones"
    found = {row["zone"]: row["offsets"] for row in session.sql(asked).collect()}
    assert found == {zone: zones.offsets(zone, instants) for zone in zones.rules}
    session.catalog.dropTempView("java_zones")


def test_an_unknown_zone_shows_nothing_and_stops_nobody(sessions: Sequence[Session]) -> None:
    at = datetime(2013, 3, 10, 7, 30, tzinfo=UTC)
    for session in sessions:
        found = computed(session, [(at, zone) for zone in (*UNKNOWN, None, "America/New_York")])
        values = {row["zone"]: (row["known"], row["shown"], row["back"], row["noon"]) for row in found}
        assert values == {
            **dict.fromkeys(UNKNOWN, (False, None, None, None)),
            None: (None, None, None, None),
            "America/New_York": (
                True,
                at.replace(hour=3, tzinfo=None),
                datetime(2013, 3, 10, 11, 30, tzinfo=UTC),
                datetime(2013, 3, 10, 16, tzinfo=UTC),
            ),
        }


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/London"])
def test_partitions_are_those_of_the_calendar_everywhere(sessions: Sequence[Session], zone: str) -> None:
    nights = [datetime(2013, 3, 10, tzinfo=UTC), datetime(2013, 10, 27, tzinfo=UTC), datetime(2013, 11, 3, tzinfo=UTC)]
    turns = [datetime(2012, 12, 31, tzinfo=UTC), datetime(2016, 1, 1, tzinfo=UTC)]
    instants = [start + number * timedelta(minutes=37) for start in nights + turns for number in range(40)]
    calendar = Calendar("2010-01", zone=zone)
    relation = f"moments_{zone.replace('/', '_').lower()}"
    moments = pa.table({"at": pa.array([*instants, None], INSTANT)})
    at: Any = ibis.table(ibis.Schema.from_pyarrow(moments.schema), name=relation)
    made = at.select("at", **{grain: clock.partition_of(at["at"], grain, zone) for grain in GRAINS})
    certify("keyed", made)
    expected: dict[Any, dict[str, str | None]] = {None: dict.fromkeys(GRAINS)}
    expected |= {at: {grain: calendar.key(grain, at) for grain in GRAINS} for at in instants}
    for session in sessions:
        session.load(relation, moments)
        session.stage("keyed", to_sql(made, session.dialect), made.schema().to_pyarrow())
        found = {row.pop("at"): row for row in session.query("SELECT * FROM keyed").to_pylist()}
        assert found == expected
