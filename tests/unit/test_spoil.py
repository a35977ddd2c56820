"""The spoiler makes the fault it promises, and only that; what the reader can see of each is met as promised."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.working import read_texts

from flights.publisher import deliveries
from flights.spoil import KINDS, spoil
from taxiway.errors import DeliveryRefused, UsageError
from taxiway.landing import DeliveredFile

NAME = "flights-2013-02.csv"
# fmt: off
COLUMNS = [
    "year", "month", "day", "dep_time", "sched_dep_time", "dep_delay", "arr_time", "sched_arr_time", "arr_delay",
    "carrier", "flight", "tailnum", "origin", "dest", "air_time", "distance", "hour", "minute", "time_hour",
]
# fmt: on
# Refused when the file is read; whatever else is refused or quarantined is found by the contract.
UNREADABLE = {
    "missing-column",
    "renamed-column",
    "empty",
    "header-only",
    "binary",
    "html",
    "unclosed-quote",
}


@pytest.fixture(scope="module")
def good() -> bytes:
    return dict(deliveries(["2013-02"]))[NAME]


def read(folder: Path, data: bytes) -> DeliveredFile:
    path = folder / NAME
    path.write_bytes(data)
    return read_texts(path.name, path.read_bytes(), COLUMNS)


@pytest.fixture(scope="module")
def good_rows(good: bytes, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return read(tmp_path_factory.mktemp("landing"), good).table.to_pylist()


@pytest.mark.parametrize("kind", sorted(UNREADABLE))
def test_unreadable_files(tmp_path: Path, good: bytes, kind: str) -> None:
    assert KINDS[kind].expected == "refused"
    with pytest.raises(DeliveryRefused, match=NAME):
        read(tmp_path, spoil(kind, NAME, good))


@pytest.mark.parametrize("kind", ["reordered-columns", "extra-column", "crlf", "bom"])
def test_accepted_files_hold_the_same_rows(tmp_path: Path, good: bytes, kind: str) -> None:
    spoiled = spoil(kind, NAME, good)
    assert spoiled != good
    delivered = read(tmp_path, spoiled)
    assert delivered.table == read(tmp_path, good).table
    assert bool(delivered.warnings) == (KINDS[kind].expected == "accepted with warning")


# For each kind of bad row: how many rows differ from the good file, and the columns that do.
BAD_ROWS = {
    "other-month": (24_951, {"year", "time_hour"}),
    "other-month-rows": (3, {"year", "time_hour"}),
    "bad-date": (3, {"day"}),
    "bad-clock": (3, {"sched_dep_time"}),
    "text-in-number": (3, {"distance"}),
    "out-of-range": (3, {"distance"}),
    "missing-value": (3, {"dest"}),
    "too-many-bad-rows": (499, {"distance"}),
}


@pytest.mark.parametrize("kind", BAD_ROWS)
def test_bad_rows_are_read_as_they_stand(
    tmp_path: Path, good: bytes, good_rows: list[dict[str, Any]], kind: str
) -> None:
    rows, columns = BAD_ROWS[kind]
    delivered = read(tmp_path, spoil(kind, NAME, good))
    pairs = zip(good_rows, delivered.table.to_pylist(), strict=True)
    changed = [(old, new) for old, new in pairs if old != new]
    assert len(changed) == rows
    assert {column for old, new in changed for column in old if old[column] != new[column]} == columns
    assert delivered.malformed == 0
    assert KINDS[kind].expected == ("quarantined" if rows <= 24_951 * 0.01 else "refused")


@pytest.mark.parametrize(
    ("kind", "problem"),
    [("too-many-fields", "too many fields: 20 of 19"), ("too-few-fields", "too few fields: 18 of 19")],
)
def test_malformed_rows_are_counted_and_kept(
    tmp_path: Path, good: bytes, good_rows: list[dict[str, Any]], kind: str, problem: str
) -> None:
    assert KINDS[kind].expected == "quarantined"
    delivered = read(tmp_path, spoil(kind, NAME, good))
    assert delivered.malformed == 3
    after = delivered.table.to_pylist()
    assert [row["_problems"] for row in after if row["_problems"]] == [[problem]] * 3
    assert [new for new in after if not new["_problems"]] == [
        old for old, new in zip(good_rows, after, strict=True) if not new["_problems"]
    ]


def test_a_cut_file_is_read_as_far_as_it_goes(tmp_path: Path, good: bytes, good_rows: list[dict[str, Any]]) -> None:
    assert KINDS["truncated"].expected == "cut"
    delivered = read(tmp_path, spoil("truncated", NAME, good))
    rows = delivered.table.to_pylist()
    assert 0.4 < len(rows) / len(good_rows) < 0.6
    assert rows[:-1] == good_rows[: len(rows) - 1]
    assert delivered.malformed == 1
    (warning,) = delivered.warnings
    assert f"may be cut: line {len(rows) + 1}, the last, has no end" in warning


def test_a_key_twice(good: bytes) -> None:
    assert KINDS["duplicate-key"].expected == "refused"
    twice = Counter(spoil("duplicate-key", NAME, good).splitlines()) - Counter(good.splitlines())
    assert list(twice.values()) == [1]
    assert set(twice) <= set(good.splitlines()[1:])


def test_every_kind_is_tested() -> None:
    tested = UNREADABLE | set(BAD_ROWS) | {"reordered-columns", "extra-column", "crlf", "bom"}
    assert set(KINDS) == tested | {"too-many-fields", "too-few-fields", "duplicate-key", "truncated"}


def test_wrong_use(good: bytes) -> None:
    with pytest.raises(UsageError, match="no fault 'unknown': choose one of missing-column, "):
        spoil("unknown", NAME, good)
    for data in (b"", b"carrier,name\nUA,United\n", good.splitlines()[0]):
        with pytest.raises(UsageError, match=r"airlines\.csv does not hold flights"):
            spoil("bom", "airlines.csv", data)
