"""Data files that a writer has written: each as the log is to name it, with the rows and bounds of its footer."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

from taxiway.lake.log import NO_KEY
from taxiway.lake.provenance import WHOLE
from taxiway.storage import Store, StoredFile

# Enough for the footer of most files in one request.
_TAIL = 64 * 1024
_LENGTH_AND_MAGIC = 8
# Longer texts are of no use to those who skip files by them.
_LONGEST = 32

Value: TypeAlias = int | str | date | datetime


@dataclass(frozen=True)
class Written:
    """A Parquet file below a table: its path there, its partition's key, its bytes, its rows, and its statistics as
    the log has them."""

    path: str
    partition: str
    bytes: int
    rows: int
    statistics: str


def written(store: Store, folder: str, column: str | None) -> list[Written]:
    """The Parquet files that lie in a folder of a table, in the order of their names; those without rows are none.

    In a table that is partitioned by `column`, each lies in a folder `column=key`. Raises OSError where one is not
    whole or cannot be read.
    """
    found = [file for file in store.files(folder) if file.path.endswith(".parquet") and not _is_hidden(file.path)]
    described = store.each(lambda file: _described(store, file, column), found)
    return sorted((file for file in described if file.rows), key=lambda file: file.path)


def _is_hidden(path: str) -> bool:
    return any(name.startswith(("_", ".")) for name in path.split("/"))


def _described(store: Store, file: StoredFile, column: str | None) -> Written:
    footer = _footer(store, file)
    statistics = json.dumps(_statistics(footer), separators=(",", ":"))
    return Written(file.path, _partition(file.path, column), file.size, footer.num_rows, statistics)


def _partition(path: str, column: str | None) -> str:
    if column is None:
        return WHOLE
    named = [name.partition("=") for name in path.split("/")]
    return next((unquote(key) for name, _, key in named if unquote(name) == column), NO_KEY)


def _footer(store: Store, file: StoredFile) -> pq.FileMetaData:
    tail = store.read_part(file.path, max(0, file.size - _TAIL), file.size)
    length = int.from_bytes(tail[-_LENGTH_AND_MAGIC:-4], "little") + _LENGTH_AND_MAGIC
    if len(tail) < length <= file.size:
        tail = store.read_part(file.path, file.size - length, file.size)
    try:
        return pq.read_metadata(pa.BufferReader(tail))
    except (pa.ArrowException, OSError) as error:
        raise OSError(f"{store.address(file.path)} is no whole Parquet file") from error


def _statistics(footer: pq.FileMetaData) -> Mapping[str, Any]:
    """Delta's per-file statistics: https://github.com/delta-io/delta/blob/master/PROTOCOL.md#per-file-statistics."""
    low: dict[str, Any] = {}
    high: dict[str, Any] = {}
    nulls: dict[str, int] = {}
    for number in range(footer.num_columns):
        column = footer.schema.column(number)
        if column.max_repetition_level or column.path != column.name:
            continue
        found = [footer.row_group(group).column(number).statistics for group in range(footer.num_row_groups)]
        if any(each is None or not each.has_null_count for each in found):
            continue
        nulls[column.name] = sum(each.null_count for each in found)
        # A group of nulls alone has no bounds.
        bounded = [each for each in found if each.num_values]
        if bounded and all(each.has_min_max for each in bounded):
            # An instant that Python's calendar does not reach is no bound.
            with suppress(OverflowError, ValueError):
                _bound(low, column.name, min, [each.min for each in bounded], _EARLIER)
                _bound(high, column.name, max, [each.max for each in bounded], _LATER)
    return {"numRecords": footer.num_rows, "minValues": low, "maxValues": high, "nullCount": nulls}


_EARLIER, _LATER = timedelta(0), timedelta(microseconds=999)


def _bound(
    bounds: dict[str, Any], name: str, of: Callable[[list[Any]], Any], values: list[Any], more: timedelta
) -> None:
    """Keep the bound of values that are surely comparable: floats have NaN, and flags say little."""
    value = of(values) if all(isinstance(each, int | str | date) for each in values) else None
    if isinstance(value, datetime):
        # They are told in milliseconds, so the latest is rounded up.
        bounds[name] = as_statistic(value + more)
    elif isinstance(value, date):
        bounds[name] = as_statistic(value)
    elif isinstance(value, str):
        if len(value) <= _LONGEST:
            bounds[name] = value
    elif value is not None and not isinstance(value, bool):
        bounds[name] = value


def as_statistic(value: Any) -> str | None:
    """A bound as the log writes it, cut off at milliseconds; None for what has none there."""
    if not isinstance(value, datetime):
        return value.isoformat() if isinstance(value, date) else None
    if value.tzinfo is None:
        return value.isoformat(timespec="milliseconds")
    return f"{value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
