"""The partition of a row is the one in which its date or instant lies, whatever the grain, the clock and the format."""

from datetime import UTC, date, datetime
from io import BytesIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.test_dated_tables import of

from taxiway.calendar import Calendar, Grain
from taxiway.landing import CSV, Files, Parquet
from taxiway.materialise.dated_rows import DatedFile, dated
from taxiway.materialise.reading import read_for

NEW_YORK = Calendar("2013-01", zone="America/New_York")
# Seconds since 1970: all that can be written, and those around a calendar.
SECONDS = st.one_of(st.integers(-62135596800, 253402214400), st.integers(1380000000, 1387000000))
INSTANTS = st.lists(st.none() | SECONDS.map(lambda second: datetime.fromtimestamp(second, UTC)), min_size=1)


def read(files: Files, grain: Grain, data: bytes, calendar: Calendar = NEW_YORK) -> DatedFile:
    table = of(files, grain)
    return dated(table, calendar, read_for(table, files.name, data))


def by_partition(found: DatedFile) -> dict[str, list[int]]:
    made: dict[str, list[int]] = {}
    for row in found.file.table.to_pylist():
        made.setdefault(row["_partition"], []).append(int(row["id"]))
    return made


@pytest.mark.parametrize(
    ("grain", "expected"),
    [
        ("day", {"2013-01-07": [1], "2013-01-13": [2], "2013-01-14": [3]}),
        ("week", {"2013-W02": [1, 2], "2013-W03": [3]}),
        ("month", {"2013-01": [1, 2, 3]}),
    ],
)
def test_a_date_lies_in_its_day_week_or_month_on_any_clock(grain: Grain, expected: dict[str, list[int]]) -> None:
    text = b"id,what,on,at\n1,a,2013-01-07,\n2,b,2013-01-13,\n3,c,2013-01-14,\n"
    found = read(CSV("things.csv", dated="on"), grain, text)
    assert found.partitions == tuple(expected)
    assert by_partition(found) == expected
    assert found.astray == 0


def test_a_date_is_understood_as_its_file_writes_it() -> None:
    text = b"id,what,on,at\n1,a,1.2.2013,\n2,b,2013-02-01,\n"
    found = read(CSV("things.csv", dated="on", dates="%-d.%-m.%Y"), "day", text)
    assert (found.partitions, found.astray, found.why) == (("2013-02-01",), 1, "row 2: on: '2013-02-01' tells no day")
    assert by_partition(found) == {"2013-02-01": [1, 2]}
    assert found.file.table["_problems"].to_pylist() == [[], []], "the transform says what is no date, of any column"


@given(INSTANTS)
def test_an_instant_lies_where_the_calendar_says(instants: list[datetime | None]) -> None:
    number = len(instants)
    rows = pa.table(
        {
            "id": pa.array(range(number), pa.int32()),
            "what": pa.array(["x"] * number, pa.string()),
            "on": pa.array([date(2013, 1, 1)] * number, pa.date32()),
            "at": pa.array(instants, pa.timestamp("us", "UTC")),
        }
    )
    data = BytesIO()
    pq.write_table(rows, data)
    calendar = Calendar("2013-10", "2013-12", "America/New_York")
    for grain in ("hour", "day", "week", "month"):
        found = read(Parquet("things.parquet", dated="at"), grain, data.getvalue(), calendar)
        inside = [at for at in instants if at is not None and calendar.bounds.start <= at < calendar.bounds.end]
        keys = {at: key for at in inside if calendar.has(key := calendar.key(grain, at))}
        assert found.partitions == tuple(sorted(set(keys.values())))
        expected = [keys.get(at, found.first) if at is not None else found.first for at in instants]
        assert found.file.table["_partition"].to_pylist() == expected
        problems = found.file.table["_problems"].to_pylist()
        assert [bool(each) for each in problems] == [at not in keys for at in instants]
        assert found.astray == sum(map(bool, problems))
