"""What DuckDB holds less exactly than Arrow and Parquet do: it cuts it in silence, so it is looked at before."""

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from taxiway.comparison.values import kind
from taxiway.engines.duckdb import identifier, literal
from taxiway.errors import UsageError

_WHOLE_IN_FLOAT = 2**53
_DIGITS = 38


def exactly_held(values: pa.ChunkedArray, name: str, column: pa.Field) -> pa.ChunkedArray:
    """The values in the type in which DuckDB holds them; raises UsageError where one is finer."""
    try:
        return values.cast(_held(column.type))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise UsageError(f"{name}: {column.name} is finer than any table is ({error}): round it") from error


def check_files(files: Sequence[Path], name: str) -> None:
    """Refuse files of Parquet that DuckDB would not read to the last digit, or read as one type though they have two.

    Raises UsageError. What is no Parquet at all is left to who reads it.
    """
    for file in files:
        try:
            found = pq.ParquetFile(file)
        except (pa.ArrowInvalid, OSError):
            continue
        for column in found.schema_arrow:
            if pa.types.is_decimal(column.type) and column.type.precision > _DIGITS:
                raise UsageError(f"{name}: {column.name} is {column.type}: write it with at most {_DIGITS} digits")
            if _held(column.type) != column.type:
                for batch in found.iter_batches(columns=[column.name]):
                    exactly_held(pa.chunked_array([batch.column(0)]), name, column)
    if len(files) > 1:
        _check_one_type(files, name)


_HELD = {
    pa.duration("ns"): pa.duration("us"),
    pa.date64(): pa.date32(),
    pa.float16(): pa.float32(),
}


def _held(arrow: pa.DataType) -> pa.DataType:
    """The type of the values once DuckDB holds them."""
    if pa.types.is_timestamp(arrow) and arrow.tz is not None and arrow.unit == "ns":
        return pa.timestamp("us", arrow.tz)
    if pa.types.is_list(arrow):
        return pa.list_(_held(arrow.value_type))
    if pa.types.is_large_list(arrow):
        return pa.large_list(_held(arrow.value_type))
    if pa.types.is_struct(arrow):
        return pa.struct([field.with_type(_held(field.type)) for field in arrow])
    return _HELD.get(arrow, arrow)


def _check_one_type(files: Sequence[Path], name: str) -> None:
    """Refuse what a type common to all files would change: whole numbers made floats, clocks made instants."""
    try:
        with duckdb.connect() as connection:
            _refuse_mixed(connection, files, name)
    except duckdb.Error as error:
        raise UsageError(f"{name} cannot be read: {str(error).strip().splitlines()[0]}") from error


def _refuse_mixed(connection: duckdb.DuckDBPyConnection, files: Sequence[Path], name: str) -> None:
    found: dict[str, dict[str, list[Path]]] = {}
    for file in files:
        for column, dtype, *_ in connection.execute(f"DESCRIBE FROM {_source([file])}").fetchall():
            # A column without any value has whichever type its writer chose.
            if connection.execute(f"SELECT count({identifier(column)}) FROM {_source([file])}").fetchone() != (0,):
                found.setdefault(column, {}).setdefault(dtype, []).append(file)
    for column, types in found.items():
        kinds = {kind(dtype) for dtype in types}
        if len(types) > 1 and kinds == {"whole", "float"}:
            whole = [file for dtype, of in types.items() if kind(dtype) == "whole" for file in of]
            large = f"abs({identifier(column)}::HUGEINT) > {_WHOLE_IN_FLOAT}"
            lost = connection.execute(f"SELECT count(*) FROM {_source(whole)} WHERE {large}").fetchone()
        else:
            lost = None if len(types) == 1 or kinds in ({"whole"}, {"float"}, {"text"}) else (1,)
        if lost not in (None, (0,)):
            told = " and ".join(f"{dtype} in {of[0].name}" for dtype, of in sorted(types.items()))
            raise UsageError(f"{name}: {column} is {told}: write all files with one type")


def _source(files: Sequence[Path]) -> str:
    return f"read_parquet([{', '.join(literal(str(file)) for file in files)}], union_by_name = true)"
