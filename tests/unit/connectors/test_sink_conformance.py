"""What every sink does: it holds one version whole, readers see that or the next, what goes wrong changes nothing."""

import math
import os
import struct
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.unit.connectors.holders import KINDS, SCHEMA, Holder, holder_of, levels
from tests.working import processes

from taxiway.errors import ConnectorError

SWAPS = 6


@pytest.fixture(params=KINDS)
def holder(request: pytest.FixtureRequest, tmp_path: Path) -> Holder:
    return holder_of(request.param, request, tmp_path)


def test_the_first_version_is_written(holder: Holder) -> None:
    done = holder.publish("v1", levels(1))
    assert (done.version, done.rows, done.changed) == ("v1", 10, True)
    assert holder.read() == levels(1).to_pylist()


def test_the_same_version_is_neither_read_nor_written_again(holder: Holder) -> None:
    def unread() -> Iterator[pa.RecordBatch]:
        raise AssertionError("read again")

    holder.publish("v1", levels(1))
    again = holder.publish_batches("v1", SCHEMA, unread)
    assert (again.rows, again.changed) == (10, False)
    assert holder.read() == levels(1).to_pylist()


def test_the_next_version_takes_its_place(holder: Holder) -> None:
    for version, rows in ((1, 10), (2, 3), (3, 0), (4, 250)):
        holder.publish(f"v{version}", levels(version, rows))
        assert sorted(holder.read(), key=str) == levels(version, rows).to_pylist()


def test_an_earlier_version_that_was_restored_takes_its_place_again(holder: Holder) -> None:
    for version in (1, 2, 1):
        assert holder.publish(f"v{version}", levels(version)).changed
    assert holder.read() == levels(1).to_pylist()


def hard_values() -> pa.Table:
    texts = [
        "",
        None,
        "NA",
        "NULL",
        'a "b"\n\\.\nc',
        "a,b\r\n\t\\N",
        " x ",
        "żółw 🐢 \u202e",
        "'; DROP TABLE levels; --",
    ]
    floats = [0.1, -0.0, None, math.inf, -math.inf, 5e-324, 1.7976931348623157e308, 123456789012345.67, 1 / 3]
    east = timezone(timedelta(hours=9))
    instants = [datetime(2013, 3, 10, 7, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC), None] * 3
    clocks = [datetime.fromisoformat("2013-03-10T02:30"), None, datetime.fromisoformat("1969-07-20")] * 3
    instants[3] = datetime(2013, 7, 1, 3, 4, 5, 678901, tzinfo=east)
    days = [date(2013, 2, 28), date(9999, 12, 31), None] * 3
    numbers = [Decimal("1.50"), Decimal("-99999999999999999.99"), None] * 3
    return pa.table(
        {
            "gauge": pa.array([f"G{n}" for n in range(9)]),
            "text": pa.array(texts, pa.string()),
            "float": pa.array(floats, pa.float64()),
            "flag": pa.array([True, False, None] * 3),
            "short": pa.array([-(2**15), 2**15 - 1, None] * 3, pa.int16()),
            "whole": pa.array([-(2**31), 2**31 - 1, None] * 3, pa.int32()),
            "large": pa.array([-(2**63), 2**63 - 1, None] * 3, pa.int64()),
            "day": pa.array(days, pa.date32()),
            "instant": pa.array(instants, pa.timestamp("us", "UTC")),
            "clock": pa.array(clocks, pa.timestamp("us")),
            "money": pa.array(numbers, pa.decimal128(19, 2)),
            "texts": pa.array([["a", None, '"\\', "", "NULL", "{,}"], [], None] * 3, pa.list_(pa.string())),
            "floats": pa.array([[0.1, None, math.inf, -0.0], [], None] * 3, pa.list_(pa.float64())),
        }
    )


def test_every_value_comes_back_to_the_bit(holder: Holder) -> None:
    holder.publish("v1", hard_values())
    assert list(map(in_bits, sorted(holder.read(), key=lambda row: row["gauge"]))) == [
        in_bits(row) for row in hard_values().to_pylist()
    ]


def test_nan_is_kept_and_is_no_null(holder: Holder) -> None:
    rows = pa.table({"gauge": ["A", "B"], "share": pa.array([math.nan, None], pa.float64())})
    holder.publish("v1", rows)
    nan, null = (row["share"] for row in sorted(holder.read(), key=lambda row: row["gauge"]))
    assert math.isnan(nan)
    assert null is None


def in_bits(value: Any) -> Any:
    """A value of which equality means the same bits, and the same kind."""
    if isinstance(value, dict):
        return {name: in_bits(each) for name, each in value.items()}
    if isinstance(value, list):
        return [in_bits(each) for each in value]
    if isinstance(value, float):
        return struct.pack("d", value)
    return (type(value).__name__, value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo else value)


def test_what_fails_halfway_leaves_what_was_there(holder: Holder) -> None:
    def fails() -> Iterator[pa.RecordBatch]:
        yield from levels(2, 5).to_batches()
        raise RuntimeError("no more")

    holder.publish("v1", levels(1))
    with pytest.raises(RuntimeError, match="no more"):
        holder.publish_batches("v2", SCHEMA, fails)
    assert holder.read() == levels(1).to_pylist()
    assert holder.publish("v2", levels(2)).changed


def test_a_publisher_that_is_killed_halfway_leaves_what_was_there(holder: Holder) -> None:
    holder.publish("v1", levels(1))
    # What a process is given has to be pickled, and its server was started before the test set variables.
    pickled = replace(holder, read=list, put_something_else=list)
    child = processes.Process(target=publish_and_die, args=(pickled, dict(os.environ)))
    child.start()
    child.join()
    assert child.exitcode == 9
    assert holder.read() == levels(1).to_pylist()
    holder.publish("v2", levels(2))
    assert holder.read() == levels(2).to_pylist()


def publish_and_die(holder: Holder, variables: Mapping[str, str]) -> None:
    os.environ.update(variables)

    def killed() -> Iterator[pa.RecordBatch]:
        yield from levels(2, 5).to_batches()
        os._exit(9)

    holder.publish_batches("v2", SCHEMA, killed)


class Reader(threading.Thread):
    """Reads a sink again and again until it is ended, and keeps what it saw: versions and numbers of rows."""

    def __init__(self, holder: Holder) -> None:
        super().__init__()
        self._holder, self._read, self._ended = holder, threading.Condition(), False
        self.seen: list[set[tuple[int, int]]] = []
        self.problem: Exception | None = None

    def run(self) -> None:
        try:
            while not self._ended:
                rows = self._holder.read()
                with self._read:
                    self.seen.append({(row["level"], len(rows)) for row in rows})
                    self._read.notify_all()
        except Exception as error:
            with self._read:
                self.problem = error
                self._read.notify_all()

    def wait(self) -> None:
        """Until one has read from beginning to end since this was called."""
        with self._read:
            enough = len(self.seen) + 2
            self._read.wait_for(lambda: len(self.seen) >= enough or self.problem is not None)

    def end(self) -> None:
        self._ended = True
        self.join()


def test_readers_see_one_version_whole_at_any_moment(holder: Holder) -> None:
    def rows_of(version: int) -> Iterator[pa.RecordBatch]:
        """One row more than the version's number, one by one, with readers in between."""
        for number in range(version + 1):
            reader.wait()
            yield from levels(version, version + 1).slice(number, 1).to_batches()

    holder.publish("v0", levels(0, 1))
    reader = Reader(holder)
    reader.start()
    try:
        for version in range(1, SWAPS):
            holder.publish_batches(f"v{version}", SCHEMA, lambda version=version: rows_of(version))
            reader.wait()
    finally:
        reader.end()
    assert reader.problem is None
    assert all(len(found) == 1 for found in reader.seen)
    assert {found.pop() for found in reader.seen} == {(version, version + 1) for version in range(SWAPS)}


def test_of_two_publishers_at_once_one_is_the_last(holder: Holder) -> None:
    both = threading.Barrier(2)

    def publish(version: int) -> None:
        both.wait()
        for turn in range(4):
            holder.publish(f"v{version}.{turn}", levels(version, 50 + version))

    holder.publish("v0", levels(0))
    threads = [threading.Thread(target=publish, args=(version,)) for version in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = holder.read()
    assert sorted(rows, key=lambda row: row["gauge"]) in (levels(1, 51).to_pylist(), levels(2, 52).to_pylist())


def test_columns_come_and_go_with_the_version(holder: Holder) -> None:
    holder.publish("v1", levels(1))
    wider = levels(2).append_column("river", pa.array(["Elbe"] * 10)).set_column(1, "level", pa.array([0.5] * 10))
    holder.publish("v2", wider)
    assert sorted(map(str, holder.read()[0].items())) == ["('gauge', 'G00000')", "('level', 0.5)", "('river', 'Elbe')"]
    holder.publish("v3", levels(3))
    assert holder.read() == levels(3).to_pylist()


def test_the_same_version_with_other_columns_is_written(holder: Holder) -> None:
    holder.publish("v1", levels(1))
    assert holder.publish("v1", levels(1).append_column("river", pa.array(["Elbe"] * 10))).changed
    assert "river" in holder.read()[0]


def test_another_deployment_does_not_replace_it(holder: Holder) -> None:
    """As where a staging's connection points at the database of production."""
    holder.publish("v1", levels(1))
    staging = replace(holder, deployment="staging")
    made = "was made from mart/levels of deployment local"
    for version in ("v1", "v2"):
        with pytest.raises(ConnectorError, match=f"{made}.* not .*from mart/levels of deployment staging") as caught:
            staging.publish(version, levels(2))
        assert "\n" not in str(caught.value)
    assert holder.read() == levels(1).to_pylist()
    assert holder.publish("v2", levels(2)).changed


def test_what_somebody_else_put_there_is_refused_and_left(holder: Holder) -> None:
    holder.put_something_else()
    with pytest.raises(ConnectorError, match="was not made from mart/levels") as caught:
        holder.publish("v1", levels(1))
    assert "\n" not in str(caught.value)
    with pytest.raises(ConnectorError):
        holder.publish("v1", levels(1))
