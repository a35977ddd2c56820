"""The Spark engine: reads and writes the data files of tables as Parquet, stages as Parquet, and collects nothing."""
# pyspark is an extra.
# pyright: reportMissingImports=false

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import reduce
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from taxiway.engines.base import OfRows, Reading
from taxiway.engines.spark_batches import map_rows, told_of_batches
from taxiway.engines.spark_errors import first_cause, gone, of_spark, told, words
from taxiway.engines.spark_session import stop
from taxiway.engines.through_delta import through_delta
from taxiway.errors import EngineError, LakeError
from taxiway.lake import Snapshot
from taxiway.lake.log import NO_KEY
from taxiway.scratch import Scratch
from taxiway.zones import ZONES

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

StartSession = Callable[[], "SparkSession"]

# Spark divides a file among its tasks at the row groups.
_ROW_GROUP = 64 * 1024

# The same names exist in every engine's session, so that a transform can read a clock anywhere. Spark casts between
# the two kinds of timestamp by the session's zone, which is UTC.
PRIMITIVES: Mapping[str, str] = {
    # Its own functions fail of a zone that they do not know. A list of literals takes long to read, a text does not.
    "known_zone": f"""CREATE OR REPLACE TEMPORARY FUNCTION known_zone(zone STRING) RETURNS STRING
    RETURN CASE WHEN array_contains(split('{" ".join(sorted(ZONES))}', ' '), zone) THEN zone END""",
    "clock_of_known": """CREATE OR REPLACE TEMPORARY FUNCTION clock_of_known(instant TIMESTAMP, zone STRING)
    RETURNS TIMESTAMP_NTZ RETURN CAST(from_utc_timestamp(instant, zone) AS TIMESTAMP_NTZ)""",
    "local_clock": """CREATE OR REPLACE TEMPORARY FUNCTION local_clock(instant TIMESTAMP, zone STRING)
    RETURNS TIMESTAMP_NTZ RETURN CAST(from_utc_timestamp(instant, known_zone(zone)) AS TIMESTAMP_NTZ)""",
    "instant_of": """CREATE OR REPLACE TEMPORARY FUNCTION instant_of(clock TIMESTAMP_NTZ, zone STRING)
    RETURNS TIMESTAMP RETURN to_utc_timestamp(CAST(clock AS TIMESTAMP), known_zone(zone))""",
    # Its own divisions cut off towards 0, and are an error by 0.
    "modulo": """CREATE OR REPLACE TEMPORARY FUNCTION modulo(number BIGINT, divisor BIGINT) RETURNS BIGINT
    RETURN CASE WHEN number % nullif(divisor, 0) <> 0 AND (number % nullif(divisor, 0) < 0) <> (divisor < 0)
    THEN number % nullif(divisor, 0) + divisor ELSE number % nullif(divisor, 0) END""",
    "floor_divide": """CREATE OR REPLACE TEMPORARY FUNCTION floor_divide(number BIGINT, divisor BIGINT) RETURNS BIGINT
    RETURN number div nullif(divisor, 0) - CASE WHEN number % nullif(divisor, 0) <> 0
    AND (number % nullif(divisor, 0) < 0) <> (divisor < 0) THEN 1 ELSE 0 END""",
    "magnitude": """CREATE OR REPLACE TEMPORARY FUNCTION magnitude(number BIGINT) RETURNS INT
    RETURN length(bin(CASE WHEN number < 0 THEN -(number + 1) ELSE number END))""",
    "power_of_two": """CREATE OR REPLACE TEMPORARY FUNCTION power_of_two(exponent INT) RETURNS DECIMAL(38, 0)
    RETURN CAST(shiftleft(1L, CAST(exponent div 2 AS INT)) AS DECIMAL(38, 0))
    * CAST(shiftleft(1L, exponent - CAST(exponent div 2 AS INT)) AS DECIMAL(38, 0))""",
    "scaled_quotient": """CREATE OR REPLACE TEMPORARY FUNCTION
    scaled_quotient(total DECIMAL(38, 0), count DECIMAL(38, 0), scale DECIMAL(38, 0)) RETURNS DOUBLE
    RETURN CAST((total * scale div count) | CAST(total * scale % count <> 0 AS BIGINT) AS DOUBLE)
    / CAST(scale AS DOUBLE)""",
    # As DuckDB's: a division that rounds once, of numbers that floats hold, else of whole numbers.
    "quotient": """CREATE OR REPLACE TEMPORARY FUNCTION quotient(total BIGINT, count BIGINT) RETURNS DOUBLE
    RETURN CASE WHEN count = 0 THEN NULL
    WHEN count IN (1, -1) OR (total BETWEEN -9007199254740992 AND 9007199254740992
    AND count BETWEEN -9007199254740992 AND 9007199254740992) THEN CAST(total AS DOUBLE) / CAST(count AS DOUBLE)
    ELSE CASE WHEN (total < 0) = (count < 0) THEN 1 ELSE -1 END
    * scaled_quotient(abs(CAST(total AS DECIMAL(38, 0))), abs(CAST(count AS DECIMAL(38, 0))),
    power_of_two(greatest(60 - magnitude(total) + magnitude(count), 0))) END""",
    # Its own floor takes the largest number for all beyond it, and a cast, which cuts off, for 2^63 alone.
    "whole_part": """CREATE OR REPLACE TEMPORARY FUNCTION whole_part(number DOUBLE) RETURNS BIGINT
    RETURN CAST(CASE WHEN number = 9223372036854775808D THEN 2 * number ELSE number END AS BIGINT)""",
    "whole_below": """CREATE OR REPLACE TEMPORARY FUNCTION whole_below(number DOUBLE) RETURNS BIGINT
    RETURN whole_part(number) - CASE WHEN CAST(whole_part(number) AS DOUBLE) > number THEN 1 ELSE 0 END""",
    "whole_nearest": """CREATE OR REPLACE TEMPORARY FUNCTION whole_nearest(number DOUBLE) RETURNS BIGINT
    RETURN whole_part(number) + CASE WHEN number - CAST(whole_part(number) AS DOUBLE) >= 0.5D THEN 1
    WHEN number - CAST(whole_part(number) AS DOUBLE) <= -0.5D THEN -1 ELSE 0 END""",
    "interpolated": """CREATE OR REPLACE TEMPORARY FUNCTION interpolated(numbers ARRAY<DOUBLE>, share DOUBLE)
    RETURNS DOUBLE RETURN transform(array(sort_array(numbers)), s -> CASE
    WHEN (size(s) - 1) * share = floor((size(s) - 1) * share) OR get(s, CAST(floor((size(s) - 1) * share) AS INT))
    = get(s, CAST(ceil((size(s) - 1) * share) AS INT)) THEN get(s, CAST(floor((size(s) - 1) * share) AS INT))
    ELSE get(s, CAST(floor((size(s) - 1) * share) AS INT)) + (get(s, CAST(ceil((size(s) - 1) * share) AS INT))
    - get(s, CAST(floor((size(s) - 1) * share) AS INT))) * ((size(s) - 1) * share - floor((size(s) - 1) * share))
    END)[0]""",
    "near": """CREATE OR REPLACE TEMPORARY FUNCTION near(one DOUBLE, other DOUBLE, share DOUBLE) RETURNS BOOLEAN
    RETURN one <=> other OR (one IS NOT NULL AND other IS NOT NULL AND abs(one) < double('infinity')
    AND abs(other) < double('infinity') AND abs(one - other) <= share * greatest(abs(one), abs(other)))""",
    "epoch_us": """CREATE OR REPLACE TEMPORARY FUNCTION epoch_us(instant TIMESTAMP) RETURNS BIGINT
    RETURN unix_micros(instant)""",
}


def identifier(name: str) -> str:
    """A name quoted for Spark."""
    return "`" + name.replace("`", "``") + "`"


def literal(text: str) -> str:
    """A text quoted for Spark."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


@dataclass(eq=False)
class Spark:
    """Sessions on one session of Spark's own, which `start` begins when it is first needed."""

    scratch: Path
    start: StartSession
    name: str = field(default="spark", init=False)
    version: str = field(default_factory=lambda: version("pyspark"), init=False)
    _started: "SparkSession | None" = field(default=None, init=False)

    @contextmanager
    def session(self) -> Iterator["SparkSQL"]:
        """A session whose staged data goes with it."""
        with Scratch.claim(self.scratch) as folder:
            session = SparkSQL(self.started, folder)
            try:
                yield session
            finally:
                session.forget()

    @property
    def started(self) -> "SparkSession":
        """Spark's own session; raises EngineError where it cannot start."""
        if self._started is None:
            self._started = self.start()
            try:
                with told():
                    for primitive in PRIMITIVES.values():
                        self._started.sql(primitive)
            except BaseException:
                self.close()
                raise
        return self._started

    def close(self) -> None:
        """Stop the session, where one was started."""
        if self._started is not None:
            self._started = None
            stop()


@dataclass(eq=False)
class SparkSQL:
    """One user of a Spark session, with a folder for what it stages; see `taxiway.engines.base.Session`."""

    spark: "SparkSession"
    folder: Path
    dialect: str = field(default="pyspark", init=False)
    _relations: set[str] = field(default_factory=set, init=False)
    _loaded: dict[str, Path] = field(default_factory=dict, init=False)

    def read(self, relation: str, reading: Reading) -> None:
        """Give what is read of a table in the lake the name `relation`."""
        if reading.elsewhere is not None:
            copied = f"__elsewhere_{relation}"
            self._loaded.pop(copied, None)
            for rows in reading.elsewhere.tables(reading.schema):
                self.load(copied, rows)
            columns = ", ".join(typed(field) for field in reading.schema)
            self.define(relation, f"SELECT {columns} FROM {identifier(copied)}")
            return
        if reading.snapshot is None or not reading.files:
            self.define(relation, _nothing(reading))
            return
        files = f"__files_{relation}"
        with told():
            if reading.snapshot.plain_files():
                self._name(files, self._files(reading.snapshot, reading))
            else:
                self._copy_through_delta(files, reading.snapshot, reading.partitions)
        self.define(relation, _selected(reading, identifier(files)))

    def load(self, relation: str, rows: pa.Table) -> None:
        """Add rows to `relation`, which the first call makes."""
        place = self._loaded.setdefault(relation, self.folder / uuid4().hex)
        with told():
            place.mkdir(exist_ok=True)
            pq.write_table(rows, place / f"{uuid4().hex}.parquet", row_group_size=_ROW_GROUP)
            self._name_files(relation, place, rows.schema)

    def define(self, relation: str, sql: str) -> None:
        """Give the result of SQL the name `relation`; it is computed when it is read."""
        with told():
            self._name(relation, self.spark.sql(sql))

    def stage(self, relation: str, sql: str, schema: pa.Schema, *, more: bool = False) -> None:
        """Execute SQL once and keep the result with this schema, on disk, as `relation`."""
        if not more:
            self._loaded[relation] = self.folder / uuid4().hex
        place = self._loaded[relation]
        with told():
            self._rows(sql, schema).write.mode("append").parquet(str(place))
            self._name_files(relation, place, schema)

    def stage_batches(
        self, relation: str, sql: str, function: OfRows, *, by: Sequence[str] = (), schema: pa.Schema
    ) -> None:
        """Add what the function makes of the rows of SQL, or of each group of them, to `relation`."""
        place = self._loaded.setdefault(relation, self.folder / uuid4().hex)
        with told(), told_of_batches():
            made = map_rows(self.spark.sql(sql), function, [identifier(name) for name in by], ddl(schema))
            made.write.mode("append").parquet(str(place))
            self._name_files(relation, place, schema)

    def query(self, sql: str) -> pa.Table:
        """The result of SQL, in memory."""
        with told():
            return self.spark.sql(sql).toArrow()

    def count(self, relation: str) -> int:
        """How many rows a relation has."""
        with told():
            return self.spark.table(identifier(relation)).count()

    def write(self, folder: str, sql: str, schema: pa.Schema, by: str | None) -> None:
        """Write the rows of SQL with this schema as Parquet files into a new folder of the lake."""
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        with told():
            # A file for each partition, more where one is large.
            rows = self._rows(sql, schema).hint("rebalance", *([by] if by else []))
        try:
            (rows.write.partitionBy(by) if by else rows.write).parquet(_path(folder))
        except (PySparkException, Py4JError, ConnectionError) as error:
            text = words(error)
            failed = of_spark(text)
            if failed:
                raise EngineError(f"publishing failed: {failed}") from error
            raise OSError(first_cause(text)) from error

    def forget(self) -> None:
        """Take away the names that this user gave."""
        with gone():
            for relation in self._relations:
                self.spark.catalog.dropTempView(relation)

    def _rows(self, sql: str, schema: pa.Schema) -> "DataFrame":
        return self.spark.sql(sql).selectExpr(*(typed(column) for column in schema))

    def _files(self, snapshot: Snapshot, reading: Reading) -> "DataFrame":
        """The columns that are read, of all rows of these partitions, that of the partition's key last."""
        from pyspark.sql import functions as spark

        column = snapshot.partition_column
        wanted = set(reading.schema.names) - {column}
        schema = pa.schema([field for field in snapshot.schema if field.name in wanted])
        reader = self.spark.read.schema(ddl(schema)).option("__globPaths__", "false")
        by_key: dict[str | None, list[str]] = {}
        for file in reading.files:
            named = file.path.rsplit("/", 2)[-2:-1] == [f"{column}={file.partition}"]
            by_key.setdefault(None if column is None or named else file.partition, []).append(file.path)
        found = []
        for key, paths in by_key.items():
            rows = reader.parquet(*(_path(snapshot.store.address(path)) for path in paths))
            if column is not None:
                # Spark itself would look for keys in all folders on the way, and guess their type.
                in_path = spark.regexp_extract(spark.col("_metadata.file_path"), "/[^/=]+=([^/]*)/[^/]*$", 1)
                known = spark.lit(None if key == NO_KEY else key).cast("string")
                rows = rows.withColumn(column, in_path if key is None else known)
            found.append(rows)
        return reduce(lambda one, other: one.union(other), found)

    def _copy_through_delta(self, relation: str, snapshot: Snapshot, partitions: Sequence[str] | None) -> None:
        """The rows of a table that cannot be read file by file, copied by deltalake's own reader, on this machine."""
        for rows in through_delta(snapshot, partitions):
            self.load(relation, rows)

    def _name_files(self, relation: str, place: Path, schema: pa.Schema) -> None:
        self._name(relation, self.spark.read.schema(ddl(schema)).parquet(str(place)))

    def _name(self, relation: str, rows: "DataFrame") -> None:
        rows.createOrReplaceTempView(relation)
        self._relations.add(relation)


def source(reading: Reading) -> str:
    """The query that reads it in a session that has Delta's own connector."""
    snapshot = reading.snapshot
    if snapshot is None or not reading.files:
        return _nothing(reading)
    return _selected(reading, f"delta.{identifier(_path(snapshot.uri))} VERSION AS OF {snapshot.version}")


def _nothing(reading: Reading) -> str:
    return f"SELECT {', '.join(typed(column, 'NULL') for column in reading.schema)} WHERE false"


def _selected(reading: Reading, table: str) -> str:
    snapshot = reading.snapshot
    assert snapshot is not None
    present = set(snapshot.schema.names)
    columns = (typed(column, None if column.name in present else "NULL") for column in reading.schema)
    conditions = list(_conditions(reading, snapshot.partition_column))
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT {', '.join(columns)} FROM {table}{where}"


def _path(uri: str) -> str:
    """A place in the lake, as Hadoop calls it."""
    return uri.replace("s3://", "s3a://", 1)


def _conditions(reading: Reading, partition_column: str | None) -> Iterator[str]:
    own = None
    if partition_column is not None:
        key = identifier(partition_column)
        own = f"{key} IN ({', '.join(map(literal, reading.own))})" if reading.own else None
        if reading.partitions is not None:
            yield f"{key} IN ({', '.join(map(literal, reading.partitions))})"
    if reading.since is not None:
        since = f"TIMESTAMP {literal(reading.since.isoformat())}"
        recent = [f"{identifier(column)} >= {since}" for column in reading.since_columns]
        yield f"({' OR '.join([*filter(None, [own]), *recent])})"


_TYPES = {
    pa.bool_(): "BOOLEAN",
    pa.int8(): "TINYINT",
    pa.int16(): "SMALLINT",
    pa.int32(): "INT",
    pa.int64(): "BIGINT",
    pa.float32(): "FLOAT",
    pa.float64(): "DOUBLE",
    pa.string(): "STRING",
    pa.large_string(): "STRING",
    pa.binary(): "BINARY",
    pa.date32(): "DATE",
    pa.timestamp("us", "UTC"): "TIMESTAMP",
    pa.timestamp("us"): "TIMESTAMP_NTZ",
}


def ddl(schema: pa.Schema) -> str:
    """The schema as Spark writes it."""
    return ", ".join(f"{identifier(column.name)} {_sql_type(column.type)}" for column in schema)


def typed(column: pa.Field, value: str | None = None) -> str:
    """A column, or a value in its place, in the column's type."""
    name = identifier(column.name)
    return f"CAST({value or name} AS {_sql_type(column.type)}) AS {name}"


def _sql_type(arrow: pa.DataType) -> str:
    if pa.types.is_list(arrow) or pa.types.is_large_list(arrow):
        return f"ARRAY<{_sql_type(arrow.value_type)}>"
    if pa.types.is_struct(arrow):
        members = (f"{identifier(field.name)}: {_sql_type(field.type)}" for field in arrow)
        return f"STRUCT<{', '.join(members)}>"
    if pa.types.is_decimal128(arrow):
        return f"DECIMAL({arrow.precision}, {arrow.scale})"
    if arrow not in _TYPES:
        raise LakeError(f"the type {arrow} has no counterpart in Spark")
    return _TYPES[arrow]
