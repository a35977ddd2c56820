"""Files that are refused: one clear message each, naming the file and what to do."""

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from taxiway.errors import DeliveryRefused
from taxiway.landing import read_csv

COLUMNS = ["carrier", "origin", "dest"]
HEADER = b"carrier,origin,dest\n"

REFUSED = {
    "empty": (b"", "is empty"),
    "blank lines": (b"\n \n\r\n", "is empty"),
    "only a byte order mark": (b"\xef\xbb\xbf", "is empty"),
    "header only": (HEADER, "has a header but no rows"),
    "header and blank lines": (HEADER + b"\n\n", "has a header but no rows"),
    "NUL bytes": (HEADER + b"UA,\0,IAH\n", "is binary or UTF-16"),
    "UTF-16": ("carrier,origin,dest\nUA,EWR,IAH\n".encode("utf-16"), "is binary or UTF-16"),
    "not UTF-8": (HEADER + b"UA,EWR,IAH\nUA,EWR,\xe9\n", r"is not UTF-8 at byte 38, line 3 \(0xe9\)"),
    "a page": (b"\n<!DOCTYPE html>\n<html></html>\n", "is an HTML or XML page"),
    "cut in mid-row": (HEADER + b"UA,EWR,IAH\nUA,EW", "is truncated: line 3"),
    "cut in the header": (b"carrier,ori", "is truncated: line 1"),
    "a column missing": (b"carrier,dest\nUA,IAH\n", "has no column 'origin': deliver the columns carrier, origin"),
    "a column renamed": (b"carrier,orig,dest\nUA,EWR,IAH\n", r"has no column 'origin' \(is it 'orig'\?\)"),
    "another separator": (b"carrier;origin;dest\nUA;EWR;IAH\n", "has no column 'carrier'"),
    "a column twice": (b"carrier,origin,dest,dest\nUA,EWR,IAH,IAH\n", "has a column twice in its header: 'dest'"),
    "a quote open at the end": (
        HEADER + b'UA,EWR,IAH\nUA,"EWR,IAH\nUA,EWR,IAH\n',
        ".* quote in the record that starts at line 3",
    ),
    "a quote that meets the next one": (
        HEADER + b'"x\ny",EWR,IAH\nUA,"EWR,IAH\nUA,"LGA",IAH\n',
        ".* quote in the record that starts at line 4",
    ),
    "a quote open in the header": (
        b'carrier,"origin,dest\nUA,EWR,IAH\n',
        ".* quote in the record that starts at line 1",
    ),
    "a quote open for too long": (
        HEADER + b'UA,"EWR,IAH\n' + b"UA,EWR,IAH\n" * 20_000,
        ".* quote in the record that starts at line 2",
    ),
    "an endless record": (HEADER + b"UA,EWR," + b"I" * (1 << 25) + b"\n", "cannot be read as CSV"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(tmp_path: Path, case: str) -> None:
    data, message = REFUSED[case]
    path = tmp_path / "flights-2013-01.csv"
    path.write_bytes(data)
    with pytest.raises(DeliveryRefused, match=rf"^flights-2013-01\.csv {message}") as caught:
        read_csv(path, COLUMNS)
    assert "\n" not in str(caught.value)


def test_not_delivered(tmp_path: Path) -> None:
    with pytest.raises(DeliveryRefused, match=r"^flights\.csv has not been delivered: put it into "):
        read_csv(tmp_path / "flights.csv", COLUMNS)


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "flights.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(DeliveryRefused, match=r"^flights\.csv is a folder: remove it from .*, and deliver a file"):
        read_csv(tmp_path / "flights.csv", COLUMNS)
    with pytest.raises(DeliveryRefused, match=r"^pipe\.csv is no regular file"):
        read_csv(tmp_path / "pipe.csv", COLUMNS)


class ChangesAfterReading(io.FileIO):
    """An open file that another process changes right after its content was read."""

    change: Callable[[], object]

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.change()
        return data


class ChangingPath(type(Path())):
    """The path of such a file."""

    change: Callable[[], object]

    def open(self, *_args: Any, **_kwargs: Any) -> Any:
        file = ChangesAfterReading(self)
        file.change = self.change
        return file


@pytest.mark.parametrize("change", ["replaced", "appended to", "withdrawn"])
def test_changed_while_read(tmp_path: Path, change: str) -> None:
    file, other = tmp_path / "flights.csv", tmp_path / "other.csv"
    file.write_bytes(HEADER + b"UA,EWR,IAH\n")
    other.write_bytes(HEADER + b"AA,JFK,MIA\n")
    path = ChangingPath(file)
    changes: dict[str, Callable[[], object]] = {
        "replaced": lambda: other.rename(file),
        "appended to": lambda: file.write_bytes(file.read_bytes() + b"AA,JFK,MIA\n"),
        "withdrawn": file.unlink,
    }
    path.change = changes[change]
    message = "has not been delivered" if change == "withdrawn" else "changed while it was read"
    with pytest.raises(DeliveryRefused, match=rf"^flights\.csv {message}"):
        read_csv(path, COLUMNS)
    if change != "withdrawn":
        rows = read_csv(file, COLUMNS).table["carrier"].to_pylist()
        assert rows == (["AA"] if change == "replaced" else ["UA", "AA"])
