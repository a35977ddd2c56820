"""Files that are read: every record in its place, as Python's own csv module sees it."""

import csv
import hashlib
import io
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.working import read_texts

from flights.publisher import deliveries
from taxiway.errors import DeliveryRefused
from taxiway.landing import CSV

COLUMNS = ["a", "b", "c"]
PARTS = ["x", "1", "NA", "é", " ", ",", ",", '"', '"', '""', "\n", "\n", "\r\n", "\r", "\u2028"]
FIELD = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6),
    st.lists(st.sampled_from(PARTS), max_size=4).map("".join),
)
FORMATS = [("\r\n", csv.QUOTE_MINIMAL), ("\r\n", csv.QUOTE_ALL), ("\n", csv.QUOTE_ALL)]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("landing") / "file.csv"


def expected(record: list[str], number: int) -> dict[str, object]:
    """What must become of a record, by the naive reading of it."""
    good = len(record) == len(COLUMNS)
    values = [None if value in ("", "NA") else value for value in record] if good else [None] * 3
    problem = f"too {'many' if len(record) > 3 else 'few'} fields: {len(record)} of 3"
    return {
        **dict(zip(COLUMNS, values, strict=True)),
        "source_file": "file.csv",
        "source_row": number,
        "_problems": [] if good else [problem],
    }


def without_raw_text(table: pa.Table) -> list[dict[str, object]]:
    return table.drop_columns(["_delivered"]).to_pylist()


@given(
    rows=st.lists(st.lists(FIELD, min_size=3, max_size=3), min_size=1, max_size=8),
    layout=st.sampled_from(FORMATS),
    bom=st.booleans(),
)
def test_what_was_written_is_read(file: Path, rows: list[list[str]], layout: tuple[str, int], bom: bool) -> None:
    terminator, quoting = layout
    text = io.StringIO()
    csv.writer(text, lineterminator=terminator, quoting=quoting).writerows([COLUMNS, *rows])  # type: ignore[arg-type]
    data = text.getvalue().encode("utf-8-sig" if bom else "utf-8")
    file.write_bytes(data)
    delivered = read_texts(file.name, file.read_bytes(), COLUMNS)
    assert without_raw_text(delivered.table) == [expected(row, number) for number, row in enumerate(rows, start=1)]
    assert delivered.table["_delivered"].null_count == len(rows)
    assert (delivered.malformed, delivered.warnings) == (0, ())
    assert delivered.digest == hashlib.sha256(data).hexdigest()


@given(st.lists(st.sampled_from(PARTS), min_size=1, max_size=25).map("".join))
def test_any_text_is_read_as_the_csv_module_reads_it_or_refused(file: Path, body: str) -> None:
    text = f"a,b,c\n{body}\n"
    file.write_bytes(text.encode())
    try:
        records = [record for record in csv.reader(io.StringIO(text, newline=""), strict=True) if record][1:]
    except csv.Error:
        with pytest.raises(DeliveryRefused, match="quote"):
            read_texts(file.name, file.read_bytes(), COLUMNS)
        return
    assume(records)
    delivered = read_texts(file.name, file.read_bytes(), COLUMNS)
    assert without_raw_text(delivered.table) == [expected(row, number) for number, row in enumerate(records, start=1)]
    raw = delivered.table["_delivered"].to_pylist()
    for record, raw_text in zip(records, raw, strict=True):
        assert (raw_text is None) == (len(record) == 3)
        if raw_text is not None:
            assert next(csv.reader(io.StringIO(raw_text, newline=""))) == record
    assert delivered.malformed == sum(len(record) != 3 for record in records)


def test_a_real_month_equals_the_csv_module(tmp_path: Path) -> None:
    data = dict(deliveries(["2013-02"]))["flights-2013-02.csv"]
    path = tmp_path / "flights-2013-02.csv"
    path.write_bytes(data)
    header, *records = csv.reader(io.StringIO(data.decode()))
    table = read_texts(path.name, path.read_bytes(), header).table
    naive = [[None if value == "NA" else value for value in column] for column in zip(*records, strict=True)]
    assert [table[column].to_pylist() for column in header] == naive
    assert table["source_row"].to_pylist() == list(range(1, 24_952))
    assert table.schema.field("source_row").type == pa.int64()
    assert table.column_names == [*header, "source_file", "source_row", "_problems", "_delivered"]


def test_records_keep_their_numbers_in_a_file_of_many_blocks(file: Path) -> None:
    wide = '"' + 10 * ("x" * 99 + "\n") + '"'
    lines = [f"{number},{wide},c" for number in range(1, 20_001)]
    for number in (1, 9_000, 17_500, 20_000):
        lines[number - 1] = f"{number},short"
    file.write_text("\n".join(["a,b,c", *lines, ""]))
    table = read_texts(file.name, file.read_bytes(), COLUMNS).table
    assert table["source_row"].to_pylist() == list(range(1, 20_001))
    numbers = [
        a or raw.split(",")[0] for a, raw in zip(*(table[c].to_pylist() for c in ("a", "_delivered")), strict=True)
    ]
    assert numbers == [str(number) for number in range(1, 20_001)]
    assert table["a"].null_count == 4


def test_columns_in_another_order_and_unknown_ones(file: Path) -> None:
    file.write_text("c,gate,a,b\n3,A1,1,2\n")
    delivered = read_texts(file.name, file.read_bytes(), COLUMNS)
    assert delivered.table.select(COLUMNS).to_pylist() == [{"a": "1", "b": "2", "c": "3"}]
    assert delivered.table.column_names[:3] == COLUMNS
    assert delivered.warnings == ("file.csv has unknown columns, left out: 'gate'",)


def test_a_malformed_record_keeps_its_place_and_its_text(file: Path) -> None:
    file.write_bytes(b'a,b,c\r\n1,2,3\r\n\r\n4,"x\r\ny"\r\n5,6,7,8\r\n9,9,9\r\n')
    delivered = read_texts(file.name, file.read_bytes(), COLUMNS)
    assert delivered.malformed == 2
    assert delivered.table.select(["source_row", "a", "_problems", "_delivered"]).to_pylist() == [
        {"source_row": 1, "a": "1", "_problems": [], "_delivered": None},
        {"source_row": 2, "a": None, "_problems": ["too few fields: 2 of 3"], "_delivered": '4,"x\r\ny"'},
        {"source_row": 3, "a": None, "_problems": ["too many fields: 4 of 3"], "_delivered": "5,6,7,8"},
        {"source_row": 4, "a": "9", "_problems": [], "_delivered": None},
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(file: Path, end: str) -> None:
    file.write_bytes(end.join(["a,b,c", "1,2,3", "", "4,5,6", ""]).encode())
    assert read_texts(file.name, file.read_bytes(), COLUMNS).table.select(["a", "source_row"]).to_pylist() == [
        {"a": "1", "source_row": 1},
        {"a": "4", "source_row": 2},
    ]


def test_another_null_token(file: Path) -> None:
    file.write_text("a,b,c\nNA,-,\n")
    assert read_texts(file.name, file.read_bytes(), COLUMNS, CSV("file.csv", null=("-", ""))).table.select(
        COLUMNS
    ).to_pylist() == [{"a": "NA", "b": None, "c": None}]


def test_only_malformed_records_are_still_rows(file: Path) -> None:
    file.write_text("a,b,c\n1;2;3\n4;5;6\n")
    delivered = read_texts(file.name, file.read_bytes(), COLUMNS)
    assert delivered.malformed == 2
    assert delivered.table["_delivered"].to_pylist() == ["1;2;3", "4;5;6"]
