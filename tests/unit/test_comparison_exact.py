"""Comparing what is not exactly the same: no cast, no reader and no match by key hides a difference."""

import gzip
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.working import publish

from taxiway.comparison import Comparison, compare
from taxiway.errors import UsageError
from taxiway.lake import WHOLE
from taxiway.materialise import Workspace
from taxiway.notebook import OpenLake


def clock(year: int, month: int, day: int, hour: int = 0) -> datetime:
    """A time without a zone."""
    return datetime(year, month, day, hour)  # noqa: DTZ001


AT = "feature/any"
LARGE = 2**53 + 1
ROWS = pa.table(
    {
        "key": pa.array(["a", "b", "c", "d"]),
        "whole": pa.array([12, LARGE, None, -7], pa.int64()),
        "small": pa.array([1, 2, 3, None], pa.int16()),
        "float": pa.array([2.4, float(LARGE), None, -0.0]),
        "truth": pa.array([True, False, None, True]),
        "text": pa.array(["x", ' a,"b"\n', "", None]),
        "day": pa.array([date(2013, 1, 1), date(1, 1, 1), None, date(9999, 12, 31)]),
        "at": pa.array(
            [datetime(2013, 1, 1, 5, tzinfo=UTC), datetime(2013, 7, 1, 0, 0, 0, 1, tzinfo=UTC), None, None],
            pa.timestamp("us", "UTC"),
        ),
    }
)
CSV = """key,whole,small,float,truth,text,day,at
a,12,1,2.4,true,x,2013-01-01,2013-01-01 05:00:00+00
b,9007199254740993,2,9007199254740992.0,false," a,""b""
",0001-01-01,2013-07-01T00:00:00.000001Z
c,,3,,,"",,
d,-7,,-0.0,True,,9999-12-31,
"""


@pytest.fixture
def lake(gauges: Workspace) -> OpenLake:
    """A table of every kind of value."""
    publish(gauges.lake, AT, ROWS, [WHOLE])
    return OpenLake(gauges.settings)


def compared(lake: OpenLake, given: Any, **options: Any) -> Comparison:
    return compare(lake, given, AT, key=["key"], **options)


def written(folder: Path, text: str | bytes, name: str = "old.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_csv_of_the_same_values_is_equal_to_the_bit(lake: OpenLake, tmp_path: Path) -> None:
    assert compared(lake, written(tmp_path, CSV)).to_the_bit
    returns = CSV.replace("\n", "\r\n")
    assert compared(lake, written(tmp_path, returns.replace('""\r\n"', '""\n"'))).to_the_bit
    assert not compared(lake, written(tmp_path, returns)).equal, "the line end in a text is another one"
    assert compared(lake, written(tmp_path, "\ufeff" + CSV)).to_the_bit
    assert compared(lake, written(tmp_path, gzip.compress(CSV.encode()), "old.csv.gz")).to_the_bit
    assert compared(lake, written(tmp_path, CSV.rstrip("\n"))).to_the_bit
    lines = CSV.splitlines(keepends=True)
    assert compared(lake, written(tmp_path, "".join([lines[0], *lines[2:], lines[1]]))).to_the_bit


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (",12,", ",12.0,"),
        (",12,", ",+12,"),
        (",2.4,", ",2.40,"),
        (",2.4,", ",24e-1,"),
        (",2.4,", ",2.3999999999999999112,"),
        ("05:00:00+00", "05:00:00+00:00"),
        ("05:00:00+00", "06:00:00.000+01"),
        ("05:00:00+00", "10:30:00+0530"),
    ],
)
def test_other_texts_of_the_same_values_are_equal_to_the_bit(
    lake: OpenLake, tmp_path: Path, old: str, new: str
) -> None:
    assert old in CSV
    assert compared(lake, written(tmp_path, CSV.replace(old, new))).to_the_bit


@pytest.mark.parametrize(
    ("column", "old", "new"),
    [
        ("whole", ",12,", ",12.4,"),
        ("whole", ",12,", ",1.2e1,"),
        ("whole", ",12,", ", 12,"),
        ("whole", ",12,", ",12 ,"),
        ("whole", ",12,", ",twelve,"),
        ("whole", ",12,", ",0x0C,"),
        ("whole", ",12,", ',"12,0",'),
        ("whole", ",12,", ",1_2,"),
        ("whole", ",12,", ",9223372036854775808,"),
        ("whole", ",12,", ',"",'),
        ("small", ",2,", ",32768,"),
        ("float", ",2.4,", ",2.4f,"),
        ("float", ",2.4,", ",1e400,"),
        ("float", ",2.4,", ",1e-400,"),
        ("float", ",9007199254740992.0,", ",9007199254740993,"),
        ("float", ",2.4,", ",2.40000000000000000001,"),
        ("truth", ",false,", ",0,"),
        ("truth", ",false,", ",f,"),
        ("truth", ",false,", ",no,"),
        ("day", ",2013-01-01,2", ",2013-01-01 05:00:00,2"),
        ("day", ",2013-01-01,2", ",01.01.2013,2"),
        ("day", ",2013-01-01,2", ",2013-01-32,2"),
        ("at", "05:00:00+00", "05:00:00"),
        ("at", "2013-01-01 05:00:00+00", "2013-01-01"),
        ("at", "05:00:00+00", "05:00:00.0000001+00"),
        ("at", "05:00:00+00", "05:00:00 Europe/Berlin"),
        ("at", "05:00:00+00", "25:00:00+00"),
    ],
)
def test_a_text_that_is_not_exactly_a_value_is_refused(
    lake: OpenLake, tmp_path: Path, column: str, old: str, new: str
) -> None:
    assert CSV.count(old) == 1
    with pytest.raises(UsageError, match=rf"{column} has .*, which is no .*, in record \d"):
        compared(lake, written(tmp_path, CSV.replace(old, new)))


@pytest.mark.parametrize(
    ("column", "old", "new"),
    [
        ("whole", "9007199254740993", "9007199254740992"),
        ("float", ",2.4,", ",2.4000000000000004,"),
        ("float", ",-0.0,", ",0,"),
        ("text", ",x,", ", x,"),
        ("text", ",x,", ",X,"),
        ("text", ',"",', ",,"),
        ("text", ",,9999", ',"",9999'),
        ("text", ",x,", ",NULL,"),
        ("at", "05:00:00+00", "05:00:00+01"),
    ],
)
def test_another_value_differs(lake: OpenLake, tmp_path: Path, column: str, old: str, new: str) -> None:
    assert CSV.count(old) == 1
    found = compared(lake, written(tmp_path, CSV.replace(old, new)))
    assert {one.column: one.differ for one in found.columns if one.differ} == {column: 1}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: f"exported 2013\n{text}", "no plain CSV.*every line below the header needs its 1 fields"),
        (lambda text: f"# a, b\n# c, d\n{text}", "no plain CSV"),
        (lambda text: f"1,2,3,4,5,6,7,8\n{text}", "has no column key"),
        (lambda text: f"\n{text}", "begins with an empty line"),
        (lambda text: f"sep=,\n{text}", "has a column without a name"),
        (lambda text: f"{text}\n\n", "key=None has 2 rows"),
        (lambda text: text.replace("\nc,", "\n# a comment\nc,"), "no plain CSV"),
        (lambda text: text.replace(",9999-12-31,", ",9999-12-31"), "no plain CSV"),
        (lambda text: text.replace(",9999-12-31,", ",9999-12-31,,"), "no plain CSV"),
        (lambda text: text.replace("day,at", "day,day"), "a column twice, day"),
        (lambda text: text.replace("day,at", "day,DAY"), "a column twice, DAY"),
        (lambda text: text.replace("key,", ",key,", 1), "a column without a name"),
        (lambda text: text.replace("key,", "KEY,", 1), "has no column key"),
        (lambda text: text.replace("key,", " key,", 1), "has no column key"),
        (lambda text: text.replace(",", ";"), "separated by ';'"),
        (lambda text: text.replace(",", "\t"), r"separated by '\\t'"),
        (lambda text: text.replace(",x,", ',"x,'), "quote"),
        (lambda text: text.replace(",x,", ',"x"y,'), "quote"),
        (lambda text: text.replace(",x,", ",ä,").encode("latin-1"), "not UTF-8 in line 2"),
        (lambda text: text.encode("utf-16"), "binary or UTF-16"),
        (lambda text: text.replace(",x,", ",\0,"), "binary or UTF-16"),
        (lambda _: "", "is empty"),
        (lambda text: text.encode()[:7], "no plain CSV"),
    ],
)
def test_what_a_reader_would_guess_or_pass_over_is_refused(
    lake: OpenLake, tmp_path: Path, change: Callable[[str], str | bytes], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        compared(lake, written(tmp_path, change(CSV)))


def test_comments_and_rows_that_are_like_records_are_records(lake: OpenLake, tmp_path: Path) -> None:
    for more in ("# a,1,1,1,true,x,2013-01-01,", ""):
        found = compared(lake, written(tmp_path, f"{CSV}{more}\n"))
        assert (found.common_rows, found.given.only_here) == (4, 1)
    header, rest = CSV.split("\n", 1)
    lacking = "\n".join(line.rpartition(",")[0] for line in [header, rest.split("\n")[0]])
    assert compared(lake, written(tmp_path, lacking)).table.columns == ("at",)


def test_types_that_csv_has_no_form_for_are_refused(gauges: Workspace, tmp_path: Path) -> None:
    publish(gauges.lake, AT, pa.table({"key": [1], "texts": [["a, b"]]}), [WHOLE])
    path = written(tmp_path, 'key,texts\n1,"[a, b]"\n')
    with pytest.raises(UsageError, match=r"texts is varchar\[\], which CSV has no one form for"):
        compared(OpenLake(gauges.settings), path)


def as_column(name: str, values: Any) -> pa.Table:
    return ROWS.set_column(ROWS.schema.get_field_index(name), name, values)


DIFFERENT = {
    "a float against a whole number": ("whole", pa.array([12.4, None, None, -7.0]), 2),
    "a large whole number as a float": ("whole", pa.array([12.0, float(LARGE), None, -7.0]), 1),
    "a decimal against a whole number": (
        "whole",
        pa.array([Decimal("12.4"), Decimal(LARGE), None, Decimal(-7)], pa.decimal128(38, 4)),
        1,
    ),
    "a decimal against a float": (
        "float",
        pa.array([Decimal("2.45"), Decimal(LARGE), None, Decimal(0)], pa.decimal128(30, 2)),
        2,
    ),
    "a whole number against a float": ("float", pa.array([2, LARGE, None, 0], pa.int64()), 2),
    "a short float": ("float", pa.array([2.4, float(LARGE), None, -0.0], pa.float32()), 1),
    "a time against a date": (
        "day",
        pa.array([clock(2013, 1, 1, 5), clock(1, 1, 1), None, clock(9999, 12, 31)]),
        1,
    ),
}


@pytest.mark.parametrize("what", DIFFERENT)
@pytest.mark.parametrize("form", ["arrow", "parquet", "pandas"])
def test_a_cast_hides_no_difference(lake: OpenLake, tmp_path: Path, what: str, form: str) -> None:
    name, values, count = DIFFERENT[what]
    given: Any = as_column(name, values)
    if form == "parquet":
        pq.write_table(given, tmp_path / "old.parquet")
        given = tmp_path / "old.parquet"
    elif form == "pandas":
        given = given.to_pandas(types_mapper=pd.ArrowDtype)
    found = compared(lake, given)
    column = next(one for one in found.columns if one.column == name)
    assert column.retyped
    assert column.differ == count, found
    assert not found.equal


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("at", ROWS["at"].cast(pa.timestamp("ns", "UTC"))),
        ("at", ROWS["at"].cast(pa.timestamp("us", "America/New_York"))),
        ("day", ROWS["day"].cast(pa.date64())),
        ("text", ROWS["text"].dictionary_encode()),
        ("text", ROWS["text"].cast(pa.large_string())),
    ],
)
@pytest.mark.parametrize("form", ["arrow", "parquet"])
def test_other_types_of_the_same_values_are_equal(
    lake: OpenLake, tmp_path: Path, name: str, values: Any, form: str
) -> None:
    given: Any = as_column(name, values)
    if form == "parquet":
        pq.write_table(given, tmp_path / "old.parquet")
        given = tmp_path / "old.parquet"
    assert compared(lake, given).equal


def test_what_is_finer_than_any_table_is_refused(lake: OpenLake, tmp_path: Path) -> None:
    finer = pa.array([1, None, None, None], pa.timestamp("ns", "UTC"))
    for given in (as_column("at", finer), as_column("at", pa.array([[1], None, None, None], pa.list_(finer.type)))):
        with pytest.raises(UsageError, match="at is finer than any table is"):
            compared(lake, given)
        pq.write_table(given, tmp_path / "old.parquet")
        with pytest.raises(UsageError, match="at is finer than any table is"):
            compared(lake, tmp_path / "old.parquet")
    wide = as_column("whole", pa.array([Decimal(10**40)] * 4, pa.decimal256(60, 0)))
    pq.write_table(wide, tmp_path / "old.parquet")
    with pytest.raises(UsageError, match="at most 38 digits"):
        compared(lake, tmp_path / "old.parquet")


def test_rows_are_matched_by_the_exact_key(gauges: Workspace) -> None:
    publish(gauges.lake, AT, pa.table({"key": pa.array([LARGE, 3], pa.int64()), "n": [1, 1]}), [WHOLE])
    lake = OpenLake(gauges.settings)
    for key in (
        pa.array([float(LARGE), 3.0]),
        pa.array([Decimal(LARGE - 1), Decimal(3)], pa.decimal128(38, 2)),
        pa.array([LARGE - 1, 3], pa.uint64()),
    ):
        found = compared(lake, pa.table({"key": key, "n": [1, 1]}))
        assert (found.common_rows, found.given.only_here, found.table.only_here) == (1, 1, 1)
    assert compared(lake, pa.table({"key": pa.array([Decimal(LARGE), Decimal("3.00")]), "n": [1, 1]})).equal


def test_files_of_a_folder_are_not_made_of_one_type_that_changes_them(lake: OpenLake, tmp_path: Path) -> None:
    def write(name: str, first: Any, second: Any) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        pq.write_table(as_column(name, first).slice(0, 2), folder / "1.parquet")
        pq.write_table(as_column(name, second).slice(2), folder / "2.parquet")
        return folder

    floats = pa.array([None, None, None, -7.0])
    with pytest.raises(UsageError, match=r"whole is BIGINT in 1.parquet and DOUBLE in 2.parquet"):
        compared(lake, write("whole", ROWS["whole"], floats))
    zoned = pa.array([datetime(2013, 1, 1, tzinfo=UTC)] * 4, pa.timestamp("us", "UTC"))
    with pytest.raises(UsageError, match=r"at is TIMESTAMP in 1.parquet and TIMESTAMP WITH TIME ZONE in 2.parquet"):
        compared(lake, write("at", ROWS["at"].cast(pa.timestamp("us")), zoned))
    assert compared(lake, write("small", ROWS["small"].cast(pa.int64()), pa.array([None, None, 3.0, None]))).equal
    assert compared(lake, write("text", ROWS["text"], ROWS["text"].cast(pa.large_string()))).to_the_bit


@pytest.mark.parametrize(
    "days", [[date(2013, 1, 1), clock(2013, 1, 1, 5)], [clock(2013, 1, 1), datetime(2013, 1, 1, tzinfo=UTC)]]
)
def test_a_frame_of_mixed_times_is_refused(lake: OpenLake, days: list[Any]) -> None:
    frame = pd.DataFrame({"key": ["a", "b"], "day": pd.Series(days, dtype=object)})
    with pytest.raises(UsageError, match="some"):
        compared(lake, frame)


def test_a_frame_with_a_column_twice_is_refused(lake: OpenLake) -> None:
    with pytest.raises(UsageError, match="a column twice, KEY"):
        compared(lake, pa.table({"key": ["a"], "KEY": ["a"]}))


def test_zeros_in_lists_have_signs(gauges: Workspace) -> None:
    publish(gauges.lake, AT, pa.table({"key": [1, 2], "list": [[0.0], [0.5, None]]}), [WHOLE])
    lake = OpenLake(gauges.settings)
    assert compared(lake, pa.table({"key": [1, 2], "list": [[0.0], [0.5, None]]})).to_the_bit
    assert not compared(lake, pa.table({"key": [1, 2], "list": [[-0.0], [0.5, None]]})).equal


def test_a_csv_of_pandas_and_of_many_floats_is_equal_to_the_bit(gauges: Workspace, tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    floats = np.concatenate([random.normal(size=500), 10.0 ** random.uniform(-300, 300, 500), [5e-324, 1.7e308, 0.1]])
    at = datetime(2013, 1, 1, tzinfo=UTC)
    rows = pa.table(
        {
            "key": pa.array(range(len(floats)), pa.int64()),
            "float": floats,
            "at": pa.array([at + timedelta(microseconds=i) for i in range(len(floats))], pa.timestamp("us", "UTC")),
        }
    )
    publish(gauges.lake, AT, rows, [WHOLE])
    lake = OpenLake(gauges.settings)
    for options in ({}, {"float_format": "%.17g"}, {"float_format": "%.30e"}):
        rows.to_pandas().to_csv(tmp_path / "old.csv", index=False, **options)
        assert compared(lake, tmp_path / "old.csv").to_the_bit, options
