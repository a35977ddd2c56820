"""What is given to be compared: a file of Parquet or CSV, a folder of Parquet, or a frame; as a relation of DuckDB."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from taxiway.comparison.csv_file import read_texts, refuse_repeated
from taxiway.comparison.held import check_files, exactly_held
from taxiway.engines.duckdb import literal
from taxiway.errors import UsageError
from taxiway.transforms.frames import check_moments

_PARQUET = (".parquet", ".pq")
_CSV = (".csv", ".csv.gz", ".csv.zst")


@dataclass(frozen=True)
class Given:
    """One side: its `name` in messages, and where its rows are: in a file or folder `path`, or as Arrow `rows`.

    Rows of a CSV file `have_no_types`: they are texts, which are read as the types of the table.
    """

    name: str
    path: Path | None = None
    rows: pa.Table | None = None
    have_no_types: bool = False

    @property
    def source(self) -> str:
        """What DuckDB reads it with; `rows` are registered as `__given`."""
        if self.path is None:
            return "__given"
        place = self.path / "*.parquet" if self.path.is_dir() else self.path
        return f"read_parquet({literal(str(place))}, union_by_name = true, hive_partitioning = {self.path.is_dir()})"


def is_of_spark(frame: Any) -> bool:
    """Whether Spark holds the rows."""
    return type(frame).__module__.startswith("pyspark.")


def given(frame: Any, folder: Path) -> Given:
    """What a caller gave. A Spark frame is written to `folder` as Parquet, by Spark.

    Raises UsageError for what is no frame, or a path at which there is none, EngineError where Spark cannot write.
    """
    if isinstance(frame, str | Path):
        return _file(Path(frame))
    if isinstance(frame, pa.Table):
        return _in_memory("the table given", frame)
    if is_of_spark(frame):
        return _written(frame, folder / "given")
    try:
        if type(frame).__module__.startswith("pandas"):
            # What is no number to pandas is a missing value to everybody else.
            named = any(name is not None for name in frame.index.names)
            return _in_memory("the frame given", _of_pandas(frame, named))
        return _in_memory("the frame given", pa.table(frame))
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, ValueError, OverflowError) as error:
        told = " ".join(str(error).split())
        raise UsageError(f"what is given ({type(frame).__name__}) cannot be compared: {told}") from error


def _of_pandas(frame: Any, named: bool) -> pa.Table:
    """A frame as Arrow; what Arrow would cut or take for another's zone is refused, as in a function of frames."""
    from pandas.api.types import is_object_dtype

    refuse_repeated(map(str, frame.columns), "the frame given")
    for name in frame.columns:
        values = frame[name]
        if is_object_dtype(values):
            check_moments(values)
    return pa.Table.from_pandas(frame, preserve_index=named)


def _in_memory(name: str, rows: pa.Table) -> Given:
    refuse_repeated(rows.column_names, name)
    columns = [exactly_held(rows[column.name], name, column) for column in rows.schema]
    return Given(name, rows=pa.table(dict(zip(rows.column_names, columns, strict=True))))


def _written(frame: Any, place: Path) -> Given:
    from taxiway.engines.spark_errors import told

    with told():
        if type(frame).__module__.startswith("pyspark.pandas"):
            names = [name for name in frame.index.names if name is not None]
            frame = frame.to_spark(index_col=names or None)
        frame.write.parquet(str(place))
    return Given("the frame given", path=place)


def _file(path: Path) -> Given:
    found = path.expanduser().absolute()
    if set(str(found)) & set("*?["):
        raise UsageError(f"{path}: a name with *, ? or [ stands for several files; rename it")
    if found.is_dir():
        files = sorted(found.glob("*.parquet"))
        if not files:
            raise UsageError(f"{path} is a folder without files of Parquet")
        check_files(files, str(path))
        return Given(str(path), path=found)
    if not found.is_file():
        raise UsageError(f"there is no file {path}")
    if not found.name.lower().endswith(_PARQUET + _CSV):
        raise UsageError(f"{path}: give a file of Parquet or CSV ({', '.join(_PARQUET + _CSV)})")
    if found.name.lower().endswith(_CSV):
        return Given(str(path), rows=read_texts(found, str(path)), have_no_types=True)
    check_files([found], str(path))
    return Given(str(path), path=found)
