"""What is given to be compared: a file of Parquet or CSV, a folder of Parquet, or a frame; as a relation of DuckDB."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from taxiway.engines.duckdb import literal
from taxiway.errors import UsageError

_PARQUET = (".parquet", ".pq")
_CSV = (".csv", ".csv.gz", ".csv.zst")


@dataclass(frozen=True)
class Given:
    """One side: its `name` in messages, and where its rows are: in a file or folder `path`, or as Arrow `rows`.

    A CSV file `has_no_types`: its texts are read as the types of the table.
    """

    name: str
    path: Path | None = None
    rows: pa.Table | None = None

    @property
    def has_no_types(self) -> bool:
        """Whether its values are texts that stand for values."""
        return self.path is not None and self.path.name.lower().endswith(_CSV)

    @property
    def source(self) -> str:
        """What DuckDB reads it with; `rows` are registered as `__given`."""
        if self.path is None:
            return "__given"
        if self.has_no_types:
            return f"read_csv({literal(str(self.path))}, all_varchar = true, header = true, nullstr = '')"
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
        return Given("the table given", rows=frame)
    if is_of_spark(frame):
        return _written(frame, folder / "given")
    try:
        if type(frame).__module__.startswith("pandas"):
            # What is no number to pandas is a missing value to everybody else.
            named = any(name is not None for name in frame.index.names)
            return Given("the frame given", rows=pa.Table.from_pandas(frame, preserve_index=named))
        return Given("the frame given", rows=pa.table(frame))
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, ValueError) as error:
        told = " ".join(str(error).split())
        raise UsageError(f"what is given ({type(frame).__name__}) cannot be compared: {told}") from error


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
        if not any(found.glob("*.parquet")):
            raise UsageError(f"{path} is a folder without files of Parquet")
        return Given(str(path), path=found)
    if not found.is_file():
        raise UsageError(f"there is no file {path}")
    if not found.name.lower().endswith(_PARQUET + _CSV):
        raise UsageError(f"{path}: give a file of Parquet or CSV ({', '.join(_PARQUET + _CSV)})")
    return Given(str(path), path=found)
