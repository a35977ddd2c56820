"""In which partitions the rows of a delivered file belong, where each row's own date or instant tells that.

The value is understood just as the table's transform will see it; the partition is that of the project's calendar.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from taxiway.calendar import Calendar, Grain, Interval, key_of_date
from taxiway.engines.duckdb import DuckDBSession, set_up
from taxiway.landing import DeliveredFile
from taxiway.tables import Table
from taxiway.transforms.compile import to_sql
from taxiway.transforms.library.typing import typed

_DAY_S = 24 * 3600


@dataclass(frozen=True)
class DatedFile:
    """A delivered file whose rows have a `_partition`, and the partitions of the calendar that they have, in order.

    Rows that tell none are malformed rows of the first of these; `astray` says how many they are, and why the first of
    them tells none.
    """

    file: DeliveredFile
    partitions: tuple[str, ...]
    astray: int = 0
    why: str = ""

    @property
    def first(self) -> str | None:
        """The partition that answers for what is no row of any; None where no row has one."""
        return self.partitions[0] if self.partitions else None


def dated(table: Table, calendar: Calendar, file: DeliveredFile) -> DatedFile:
    """The rows of a file, as it was read for a table, with the partition of each; null where the file has none."""
    assert table.files is not None
    assert table.files.dated is not None
    assert table.grain is not None
    column = table.files.dated
    values = _values(table, column, file.table[column])
    keys = (
        _keys_of_dates(calendar, table.grain, values)
        if pa.types.is_date(values.type)
        else _keys_of_instants(calendar, table.grain, values)
    )
    partitions = tuple(sorted(keys.unique().drop_null().to_pylist()))
    lost = np.flatnonzero(keys.is_null().to_numpy(zero_copy_only=False))
    rows = file.table
    why = ""
    if lost.size:
        delivered = rows[column].combine_chunks()
        problems: list[list[str]] = rows["_problems"].to_pylist()
        for row in lost.tolist():
            reason = _why_astray(table, calendar, delivered[row].as_py(), values[row].as_py())
            # What is no record has said so; a text that is no date will be told with all others that are none.
            own = [reason] if not problems[row] and (not delivered[row].is_valid or values[row].is_valid) else []
            problems[row] = [*problems[row], *own]
            why = why or f"row {rows['source_row'][row].as_py()}: {'; '.join(problems[row]) or reason}"
        place = rows.schema.get_field_index("_problems")
        rows = rows.set_column(place, "_problems", pa.array(problems, pa.list_(pa.string())))
        keys = pc.fill_null(keys, partitions[0]) if partitions else keys
    rows = rows.append_column("_partition", keys)
    return DatedFile(replace(file, table=rows), partitions, int(lost.size), why)


def _why_astray(table: Table, calendar: Calendar, delivered: Any, value: Any) -> str:
    assert table.files is not None
    column = table.files.dated
    if delivered is None:
        return f"{column}: missing, and tells the {table.grain} of the row"
    if value is None:
        return f"{column}: {str(delivered)[:60]!r} tells no {table.grain}"
    return f"{column}: {value.isoformat()} lies outside the calendar ({calendar})"


def _values(table: Table, column: str, delivered: pa.ChunkedArray) -> pa.Array:
    """The dates or instants that the transform of the table will see, null where it sees none."""
    assert table.files is not None
    dtype = ibis.dtype(table.file_columns[column])
    if pa.types.is_string(delivered.type):
        text: Any = ibis.table({"text": "string"}, name="delivered")["text"]
        made = typed(text, dtype, table.files.form(column)).name("value")
        # On one thread rows stay in their order.
        with duckdb.connect(":memory:", config={"threads": 1}) as connection:
            set_up(connection)
            session = DuckDBSession(connection)
            connection.register("delivered", pa.table({"text": delivered}))
            delivered = session.query(to_sql(made.as_table(), session.dialect))["value"]
    wanted = pa.date32() if dtype.is_date() else pa.timestamp("us", "UTC")
    return delivered.cast(wanted).combine_chunks()


def _keys_of_dates(calendar: Calendar, grain: Grain, dates: pa.Array) -> pa.Array:
    coded = dates.dictionary_encode()
    keys = [key_of_date(grain, day) for day in coded.dictionary.to_pylist()]
    known = pa.array([key if calendar.has(key) else None for key in keys], pa.string())
    return known.take(coded.indices)


def _keys_of_instants(calendar: Calendar, grain: Grain, instants: pa.Array) -> pa.Array:
    """The partitions of the calendar in which instants lie: found by bisection, however many rows there are."""
    valid = instants.is_valid().to_numpy(zero_copy_only=False)
    seconds = pc.fill_null(instants.cast(pa.int64()), 0).to_numpy() // 1_000_000
    spans = _partitions_at(calendar, grain, np.unique(seconds[valid] // _DAY_S).tolist())
    if not spans:
        return pa.nulls(len(instants), pa.string())
    starts = np.array([start for start, _, _ in spans])
    ends = np.array([end for _, end, _ in spans])
    place = np.searchsorted(starts, seconds, side="right") - 1
    lies = valid & (place >= 0) & (seconds < ends[place])
    return pa.array([key for _, _, key in spans], pa.string()).take(pa.array(place, mask=~lies))


def _partitions_at(calendar: Calendar, grain: Grain, days: Sequence[int]) -> list[tuple[int, int, str]]:
    """Start, end (seconds since 1970) and key of the partitions that have an instant of these days of UTC, in order."""
    found: dict[str, None] = {}
    for number in days:
        day = date(1970, 1, 1) + timedelta(days=number)
        # No calendar reaches the first and the last years that there are.
        if date.min.year + 1 < day.year < date.max.year:
            start = datetime(day.year, day.month, day.day, tzinfo=UTC)
            found |= dict.fromkeys(calendar.overlapping(grain, Interval(start, start + timedelta(days=1))))
    spans = [(calendar.span(key), key) for key in found]
    return sorted((int(span.start.timestamp()), int(span.end.timestamp()), key) for span, key in spans)
