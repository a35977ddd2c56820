"""What a declaration says of files is how they are read: CSV of each dialect, JSON lines, Parquet, plain or packed."""

import gzip
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from taxiway.errors import DefinitionError, DeliveryRefused
from taxiway.landing import CSV, DeliveredFile, Field, Files, JSONLines, Parquet, read_file

TEXTS = {"carrier": pa.string(), "n": pa.int64()}
AA = {"carrier": "Ä;A", "n": "1"}


def zstd(data: bytes) -> bytes:
    packed = pa.BufferOutputStream()
    with pa.CompressedOutputStream(packed, "zstd") as stream:
        stream.write(data)
    return packed.getvalue().to_pybytes()


def texts(files: Files, data: bytes) -> DeliveredFile:
    return read_file(files, files.name, data, dict.fromkeys(TEXTS, pa.string()))


def rows(found: DeliveredFile) -> list[dict[str, Any]]:
    return found.table.select([n for n in found.table.column_names if n[0] != "_" and "source" not in n]).to_pylist()


DIALECTS: dict[str, tuple[CSV, bytes]] = {
    "semicolons": (CSV("a.csv", delimiter=";"), 'carrier;n\n"Ä;A";1\n'.encode()),
    "tabs, no quotes": (CSV("a.csv", delimiter="\t", quote=None), "carrier\tn\nÄ;A\t1\n".encode()),
    "single quotes": (CSV("a.csv", delimiter=";", quote="'"), "carrier;n\n'Ä;A';1\n".encode()),
    "cp1252": (CSV("a.csv", encoding="cp1252"), "carrier,n\nÄ;A,1\n".encode("cp1252")),
    "utf-16": (CSV("a.csv", encoding="utf-16"), "carrier,n\nÄ;A,1\n".encode("utf-16")),
    "no header": (CSV("a.csv", columns=("n", "carrier")), "1,Ä;A\n".encode()),
    "a preamble": (CSV("a.csv", skip=2), 'Report "of\n\ncarrier,n\nÄ;A,1\n'.encode()),
    "a preamble, no header": (CSV("a.csv", skip=1, columns=("n", "carrier")), "Report\n1,Ä;A\n".encode()),
    "gzip": (CSV("a.csv.gz"), gzip.compress("carrier,n\nÄ;A,1\n".encode())),
    "zstd": (CSV("a.csv.zst"), zstd("carrier,n\nÄ;A,1\n".encode())),
}


@pytest.mark.parametrize("case", DIALECTS)
def test_csv_is_read_as_it_is_declared(case: str) -> None:
    files, data = DIALECTS[case]
    found = texts(files, data)
    assert rows(found) == [AA]
    assert found.table["source_row"].to_pylist() == [1]
    assert found.warnings == ()


def test_of_a_file_without_header_malformed_records_keep_their_place() -> None:
    found = texts(CSV("a.csv", columns=("n", "carrier")), b"1,AA\n2\n3,CC\n")
    assert found.table["n"].to_pylist() == ["1", None, "3"]
    assert found.table["_delivered"].to_pylist() == [None, "2", None]


def test_lines_of_a_preamble_count_where_a_fault_is_told() -> None:
    with pytest.raises(DeliveryRefused, match="the record that starts at line 4"):
        texts(CSV("a.csv", skip=2), b'Report\n\ncarrier,n\n"AA,1\n')


@pytest.mark.parametrize("lines", [b"", b"\n"], ids=["nothing", "a line without a record"])
def test_packed_json_without_records_is_whole_and_has_no_rows(lines: bytes) -> None:
    found = texts(JSONLines("a.jsonl.gz"), gzip.compress(lines))
    assert found.table.num_rows == 0
    assert found.warnings == ()


REFUSED: dict[str, tuple[Files, bytes, str]] = {
    "cut gzip": (CSV("a.csv.gz"), gzip.compress(b"carrier,n\nAA,1\n" * 99)[:-9], "a.csv.gz cannot be unpacked"),
    "cut zstd": (CSV("a.csv.zst"), zstd(b"carrier,n\nAA,1\n" * 99)[:-3], "a.csv.zst cannot be unpacked"),
    "not packed": (JSONLines("a.jsonl.gz"), b'{"n": 1}\n', "is not packed with gzip, as its name says"),
    "another encoding": (
        CSV("a.csv", encoding="ascii"),
        "carrier,n\nÄ,1\n".encode(),
        "is not ascii at byte 10, line 2",
    ),
    "columns too few": (CSV("a.csv", columns=("n",)), b"1\n", "has no column carrier"),
    "JSON of one array": (JSONLines("a.jsonl"), b'[{"n": 1}]\n', "is not JSON lines, of which each is an object"),
    "CSV for JSON": (JSONLines("a.jsonl"), b"carrier,n\nAA,1\n", "is not JSON lines"),
    "empty JSON": (JSONLines("a.jsonl"), b"\n\n", "is empty"),
    "a page": (JSONLines("a.jsonl"), b"<html></html>", "HTML or XML page"),
    "JSON in Latin-1": (
        JSONLines("a.jsonl"),
        '{"carrier": "Ä"}\n'.encode("latin-1"),
        "not UTF-8 at byte 13, line 1",
    ),
    "an unfinished line": (JSONLines("a.jsonl", unfinished="refuse"), b'{"n": 1}', "is truncated: line 1"),
    "CSV for Parquet": (Parquet("a.parquet"), b"carrier,n\nAA,1\n", "is no whole Parquet file"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_such_file_is_refused(case: str) -> None:
    files, data, why = REFUSED[case]
    with pytest.raises(DeliveryRefused, match=why):
        texts(files, data)


DECLARATIONS: dict[str, tuple[Any, str]] = {
    "a folder": (lambda: CSV("in/a.csv"), "its name has other than"),
    "packed Parquet": (lambda: Parquet("a.parquet.gz"), r"Parquet files are not packed as a whole: leave out \.gz"),
    "delimiter": (lambda: CSV("a.csv", delimiter="||"), "is not one character"),
    "quote": (lambda: CSV("a.csv", quote="`"), "quote='`' is none"),
    "encoding": (lambda: CSV("a.csv", encoding="utf-9"), "encoding='utf-9' is unknown"),
    "columns": (lambda: CSV("a.csv", columns=("n", "n")), "columns names one twice"),
    "decimal": (lambda: CSV("a.csv", decimal="'"), "neither"),
    "thousands": (lambda: CSV("a.csv", decimal=",", thousands=","), "separates no digits"),
    "a year of two digits": (lambda: CSV("a.csv", dates="%d.%m.%y"), "has '%y': write one of"),
    "no year": (lambda: JSONLines("a.jsonl", dates="%d.%m."), "lacks %Y"),
    "a clock in a date": (lambda: CSV("a.csv", dates="%Y%m%d%H"), "has %H"),
    "twice": (lambda: CSV("a.csv", dates="%Y%m%d%-d"), "has %-d twice"),
    "words": (lambda: CSV("a.csv", true=("1",), false=("1",)), "true and false need words"),
}


@pytest.mark.parametrize("case", DECLARATIONS)
def test_what_no_file_can_be_is_refused_when_it_is_declared(case: str) -> None:
    declare, why = DECLARATIONS[case]
    with pytest.raises(DefinitionError, match=why):
        declare()


NESTED = {
    "n": pa.int64(),
    "carrier": pa.string(),
    "tags": pa.list_(pa.string()),
    "stop": pa.struct([("at", pa.timestamp("us", "UTC")), ("cost", pa.decimal128(10, 2)), ("on", pa.date32())]),
    "raw": pa.binary(),
}


def test_json_lines_give_texts_with_every_digit_and_lists_and_records_of_their_types() -> None:
    data = b"""{"n": 12345678901234567890.10, "carrier": "A", "tags": ["x", null], "raw": "AP8="}

{"n": true, "stop": {"at": "2013-01-01T10:00:00.5Z", "cost": 1.10, "on": "2013-01-31"}, "carrier": null, "more": 1}
"""
    found = read_file(JSONLines("a.jsonl"), "a.jsonl", data, NESTED)
    first, second = rows(found)
    assert first == {
        "n": "12345678901234567890.10",
        "carrier": "A",
        "tags": ["x", None],
        "stop": None,
        "raw": b"\x00\xff",
    }
    assert second["n"] == "true"
    assert second["stop"] == {
        "at": datetime(2013, 1, 1, 10, 0, 0, 500_000, UTC),
        "cost": Decimal("1.10"),
        "on": date(2013, 1, 31),
    }
    assert found.table["source_row"].to_pylist() == [1, 2]
    assert found.table["_delivered"].to_pylist() == [line for line in data.decode().split("\n") if line]
    assert found.warnings == ("a.jsonl has unknown names, left out: 'more'",)


def test_true_and_false_of_json_are_values_whatever_words_texts_have_for_them() -> None:
    files = JSONLines("a.jsonl", true=("yes",), false=("no",), fields={"b": Field(true=("J",), false=("N",))})
    data = b'{"a": true, "b": false, "n": true}\n{"a": "yes", "b": "true", "n": 1}\n'
    found = read_file(files, "a.jsonl", data, {"a": pa.bool_(), "b": pa.bool_(), "n": pa.int64()})
    assert rows(found) == [{"a": "yes", "b": "N", "n": "true"}, {"a": "yes", "b": "true", "n": "1"}]


BAD_LINES: dict[str, str] = {
    '{"n": 1': "is not JSON: .* at character 8",
    '{"n": NaN}': "is not JSON: NaN is no value of JSON",
    '{"n": 1, "n": 2}': "the name n is there twice",
    "[1]": "is no JSON object",
    '{"carrier": 7}': "carrier: 7 is no text",
    '{"carrier": "\\ud800"}': "carrier: it has a NUL or half a character",
    '{"n": [1]}': "n: a list is no single value",
    '{"tags": "x"}': "tags: 'x' is no list",
    '{"tags": [1]}': "tags: 1 is no text",
    '{"stop": {"cost": 1.123}}': "stop: '1.123' is no decimal128",
    '{"stop": {"on": "2013-02-30"}}': "stop: '2013-02-30' is no date32",
    '{"stop": {"gone": 1}}': "stop: it has gone, which its type has not",
    '{"raw": "?"}': "raw: '[?]' is not base64",
}


@pytest.mark.parametrize("line", BAD_LINES)
def test_a_line_that_cannot_be_read_stays_in_its_place_with_the_reason(line: str) -> None:
    found = read_file(JSONLines("a.jsonl"), "a.jsonl", f'{{"n": 1}}\n{line}\n'.encode(), NESTED)
    assert found.table["_problems"].to_pylist()[0] == []
    (why,) = found.table["_problems"].to_pylist()[1]
    assert re.match(BAD_LINES[line], why), why
    assert found.table["_delivered"].to_pylist()[1] == line


def parquet(table: pa.Table, **options: Any) -> bytes:
    written = pa.BufferOutputStream()
    pq.write_table(table, written, **options)
    return written.getvalue().to_pybytes()


def test_parquet_gives_values_in_the_types_that_are_expected() -> None:
    table = pa.table(
        {
            "n": pa.array([1, 2], pa.int16()),
            "carrier": pa.array(["A", "A"]).dictionary_encode(),
            "tags": pa.array([["x"], None], pa.large_list(pa.string())),
            "stop": pa.array([{"on": date(2013, 1, 31), "cost": 7, "at": None}, None]),
            "raw": pa.array([b"\x00", None], pa.large_binary()),
            "more": [1, 2],
        }
    )
    found = read_file(Parquet("a.parquet"), "a.parquet", parquet(table, compression="zstd"), NESTED)
    assert rows(found)[0] == {
        "n": 1,
        "carrier": "A",
        "tags": ["x"],
        "stop": {"at": None, "cost": Decimal("7.00"), "on": date(2013, 1, 31)},
        "raw": b"\x00",
    }
    assert "_delivered" not in found.table.column_names
    assert found.warnings == ("a.parquet has unknown columns, left out: 'more'",)


def test_a_value_of_parquet_that_its_type_cannot_hold_is_told_with_its_row() -> None:
    columns = {"n": pa.int16(), "cost": pa.decimal128(4, 2), "at": pa.timestamp("us", "UTC")}
    table = pa.table(
        {
            "n": [1, 40_000],
            "cost": pa.array([Decimal("1.10"), Decimal("1.123")], pa.decimal128(9, 3)),
            "at": pa.array([1000, 1], pa.timestamp("ns", "UTC")),
        }
    )
    found = read_file(Parquet("a.parquet"), "a.parquet", parquet(table), columns).table
    assert found["_problems"].to_pylist()[0] == []
    told = found["_problems"].to_pylist()[1]
    assert [problem.partition(":")[0] for problem in told] == ["n", "cost", "at"]
    assert told[:2] == ["n: 40000 is no int16", "cost: 1.123 is no decimal128(4, 2)"]
    assert found["n"].to_pylist() == [1, None]


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (pa.array(["1"]), pa.int64()),
        (pa.array([1.0]), pa.int64()),
        (pa.array([1.0]), pa.decimal128(10, 2)),
        (pa.array([1], pa.timestamp("us")), pa.timestamp("us", "UTC")),
        (pa.array([[1.0]]), pa.list_(pa.int64())),
        (pa.array([{"a": 1}]), pa.struct([("b", pa.int64())])),
    ],
    ids=str,
)
def test_parquet_of_another_kind_of_type_is_refused(found: pa.Array, wanted: pa.DataType) -> None:
    data = parquet(pa.table({"n": found}))
    with pytest.raises(DeliveryRefused, match=r"a\.parquet has .* in its column n: deliver"):
        read_file(Parquet("a.parquet"), "a.parquet", data, {"n": wanted})
