"""The DuckDB engine: reads the Parquet files of a Delta version where they lie, spills to scratch, locked down."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from taxiway.engines.base import OfRows, Reading
from taxiway.engines.groups import groups, joined
from taxiway.engines.through_delta import through_delta
from taxiway.errors import EngineError, LakeError
from taxiway.lake import Snapshot
from taxiway.lake.elsewhere import Elsewhere
from taxiway.scratch import Scratch
from taxiway.storage import S3, Store
from taxiway.storage.s3 import REQUEST_S
from taxiway.zones import ZONES

BATCH_ROWS = 100_000
# A table that has no partitions is cut into files of about this size.
_FILE_BYTES = 256 * 1024 * 1024

# The same names exist in every engine's session, so that a transform can read a clock, and the guard hash a key,
# anywhere.
PRIMITIVES: Mapping[str, str] = {
    # Its own function fails of a zone that it does not know, and takes names in any case.
    "known_zone": f"""CREATE OR REPLACE TEMP TYPE zone_name AS
    ENUM ({", ".join(f"'{zone}'" for zone in sorted(ZONES))});
    CREATE OR REPLACE TEMP MACRO known_zone(zone) AS CAST(TRY_CAST(zone AS zone_name) AS VARCHAR)""",
    "clock_of_known": "CREATE OR REPLACE TEMP MACRO clock_of_known(instant, zone) AS timezone(zone, instant)",
    "local_clock": "CREATE OR REPLACE TEMP MACRO local_clock(instant, zone) AS timezone(known_zone(zone), instant)",
    # Of two instants DuckDB's own gives the second. The first is the one by the offset of the day before, where the
    # clock shows its time then; 36 hours before the same time of UTC is before either, whatever the offset.
    "by_the_day_before": """CREATE OR REPLACE TEMP MACRO by_the_day_before(clock, zone) AS
    make_timestamptz(2 * epoch_us(clock) - 129600000000
    - epoch_us(timezone(zone, make_timestamptz(epoch_us(clock) - 129600000000))))""",
    "instant_of": """CREATE OR REPLACE TEMP MACRO instant_of(clock, zone) AS
    CASE WHEN known_zone(zone) IS NULL THEN NULL
    WHEN timezone(zone, by_the_day_before(clock, zone)) = clock THEN by_the_day_before(clock, zone)
    ELSE timezone(zone, clock) END""",
    # Its own divisions cut off towards 0, and are an error of the least number by -1, also where nothing is left over.
    "rest": """CREATE OR REPLACE TEMP MACRO rest(number, divisor) AS
    number % CASE WHEN divisor = -1 THEN 1 ELSE divisor END""",
    "modulo": """CREATE OR REPLACE TEMP MACRO modulo(number, divisor) AS
    CASE WHEN rest(number, divisor) <> 0 AND (rest(number, divisor) < 0) <> (divisor < 0)
    THEN rest(number, divisor) + divisor ELSE rest(number, divisor) END""",
    "floor_divide": """CREATE OR REPLACE TEMP MACRO floor_divide(number, divisor) AS
    number // divisor - CASE WHEN rest(number, divisor) <> 0 AND (rest(number, divisor) < 0) <> (divisor < 0)
    THEN 1 ELSE 0 END""",
    "magnitude": """CREATE OR REPLACE TEMP MACRO magnitude(number) AS
    length(bin(CASE WHEN number < 0 THEN -(number + 1) ELSE number END))""",
    "scaled_quotient": """CREATE OR REPLACE TEMP MACRO scaled_quotient(total, count, scale) AS
    CAST(CAST(total * scale // count AS BIGINT) | CAST(total * scale % count <> 0 AS BIGINT) AS DOUBLE)
    / CAST(scale AS DOUBLE)""",
    # Floats hold whole numbers of 53 bits, and of two such a division rounds once. Of others the quotient is taken in
    # whole numbers, of 58 bits or more, the last one set where something is left over: that too is rounded once.
    "quotient": """CREATE OR REPLACE TEMP MACRO quotient(total, count) AS
    CASE WHEN count = 0 THEN NULL
    WHEN count IN (1, -1) OR (total BETWEEN -9007199254740992 AND 9007199254740992
    AND count BETWEEN -9007199254740992 AND 9007199254740992) THEN CAST(total AS DOUBLE) / CAST(count AS DOUBLE)
    ELSE CASE WHEN (total < 0) = (count < 0) THEN 1 ELSE -1 END
    * scaled_quotient(abs(CAST(total AS HUGEINT)), abs(CAST(count AS HUGEINT)),
    CAST(1 AS HUGEINT) << greatest(60 - magnitude(total) + magnitude(count), 0)) END""",
    # A cast alone takes the nearest even one.
    "whole_below": "CREATE OR REPLACE TEMP MACRO whole_below(number) AS CAST(floor(number) AS BIGINT)",
    "whole_nearest": """CREATE OR REPLACE TEMP MACRO whole_nearest(number) AS CAST(trunc(number) AS BIGINT)
    + CASE WHEN number - trunc(number) >= 0.5 THEN 1 WHEN number - trunc(number) <= -0.5 THEN -1 ELSE 0 END""",
    "between_two": """CREATE OR REPLACE TEMP MACRO between_two(least, greatest, share) AS
    CASE WHEN share = 0 OR least = greatest THEN least ELSE least + (greatest - least) * share END""",
    # Its own quantiles interpolate with other roundings than Spark's.
    "interpolated": """CREATE OR REPLACE TEMP MACRO interpolated(numbers, share) AS
    list_transform([list_sort(numbers)], lambda s: between_two(
    s[CAST(floor((len(s) - 1) * share) AS BIGINT) + 1], s[CAST(ceil((len(s) - 1) * share) AS BIGINT) + 1],
    (len(s) - 1) * share - floor((len(s) - 1) * share)))[1]""",
    # Of infinite ones nothing is near but the same.
    "near": """CREATE OR REPLACE TEMP MACRO near(one, other, share) AS
    one IS NOT DISTINCT FROM other OR (one IS NOT NULL AND other IS NOT NULL AND isfinite(one) AND isfinite(other)
    AND abs(one - other) <= share * greatest(abs(one), abs(other)))""",
    # Spark has a function of this name. Its hashes are others, as only equal ones are looked for.
    "xxhash64": "CREATE OR REPLACE TEMP MACRO xxhash64(key) AS hash(key)",
}
# What must be set for the same SQL to give the same rows.
MEANING = "SET TimeZone = 'UTC'"


def set_up(connection: duckdb.DuckDBPyConnection) -> None:
    """Set what SQL that was compiled for DuckDB rests on: `MEANING`, and the functions that `PRIMITIVES` make."""
    for statement in (MEANING, *PRIMITIVES.values()):
        connection.execute(statement)


def reach(connection: duckdb.DuckDBPyConnection, store: Store) -> None:
    """Let a connection, and all others to its database, read and write a bucket; a folder needs nothing.

    Raises EngineError where the extension for it cannot be loaded.
    """
    if store.is_folder:
        return
    s3 = store.s3 or S3()
    given = {
        "TYPE": "s3",
        "SCOPE": store.uri,
        "REGION": s3.region,
        **{_SECRETS[name]: value for name, value in s3.keys.items()},
    }
    if s3.endpoint:
        given |= {"ENDPOINT": urlsplit(s3.endpoint).netloc, "URL_STYLE": "path", "USE_SSL": str(s3.uses_tls).lower()}
    try:
        connection.load_extension(str(_httpfs()))
        connection.execute(f"SET GLOBAL http_timeout = {REQUEST_S}")
        connection.execute(f"SET GLOBAL http_retries = {_HTTP_RETRIES}")
        connection.execute(
            f"CREATE OR REPLACE SECRET lake ({', '.join(f'{k} {literal(v)}' for k, v in given.items())})"
        )
    except duckdb.Error as error:
        # Not the statement, which holds the keys.
        raise EngineError(f"DuckDB cannot reach {store.uri} ({_first_line(error)}); set up anew: make setup") from None


# It waits 0.1 s, and then each time four times as long: some half a minute.
_HTTP_RETRIES = 5
_NO_ANSWER = re.compile(r"(Timeout was reached|[Cc]ould not (connect|establish)|Couldn't connect|reset|nothing).*HTTP")
_SECRETS = {"access_key_id": "KEY_ID", "secret_access_key": "SECRET", "session_token": "SESSION_TOKEN"}


def _httpfs() -> Path:
    """The extension of this DuckDB for buckets, as it was installed with it."""
    import duckdb_extension_httpfs

    installed = Path(duckdb_extension_httpfs.__file__).parent
    return installed / "extensions" / f"v{duckdb.__version__}" / "httpfs.duckdb_extension"


def identifier(name: str) -> str:
    """A name quoted for DuckDB."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text quoted for DuckDB."""
    return "'" + text.replace("'", "''") + "'"


@dataclass(eq=False)
class DuckDB:
    """Sessions of DuckDB in memory, with a limit beyond which they spill to scratch."""

    threads: int
    memory_limit: str
    scratch: Path
    lake: Store
    name: str = field(default="duckdb", init=False)
    version: str = field(default=duckdb.__version__, init=False)

    @contextmanager
    def session(self) -> Iterator["DuckDBSession"]:
        """A session whose spilled data goes with it."""
        with Scratch.claim(self.scratch) as folder:
            connection = self.connect(folder)
            try:
                yield DuckDBSession(connection, folder)
            finally:
                connection.close()

    def close(self) -> None:
        """Nothing is shared between sessions."""

    def connect(self, folder: Path, reads: Sequence[Path] = ()) -> duckdb.DuckDBPyConnection:
        """A locked-down connection that spills to `folder` and reads and writes nothing outside it and the lake, but
        for the files and folders in `reads`."""
        connection = duckdb.connect(":memory:")
        reach(connection, self.lake)
        self._lock_down(connection, folder, reads)
        return connection

    def _lock_down(self, connection: duckdb.DuckDBPyConnection, folder: Path, reads: Sequence[Path]) -> None:
        connection.execute(f"SET threads = {self.threads}")
        connection.execute(f"SET memory_limit = {literal(self.memory_limit)}")
        connection.execute(f"SET temp_directory = {literal(str(folder))}")
        set_up(connection)
        # Rows have no order that anybody may rely on, and keeping one costs memory.
        connection.execute("SET preserve_insertion_order = false")
        connection.execute("SET python_enable_replacements = false")
        folders = (f"{self.lake.uri}/", folder, *(path for path in reads if path.is_dir()))
        connection.execute(f"SET allowed_directories = [{', '.join(literal(str(path)) for path in folders)}]")
        files = [literal(str(path)) for path in reads if not path.is_dir()]
        connection.execute(f"SET allowed_paths = [{', '.join(files)}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")


@dataclass(eq=False)
class DuckDBSession:
    """One locked-down connection, with a folder where it does more than read; see `taxiway.engines.base.Session`."""

    connection: duckdb.DuckDBPyConnection
    folder: Path | None = None
    dialect: str = field(default="duckdb", init=False)
    _loaded: set[str] = field(default_factory=set, init=False)

    def read(self, relation: str, reading: Reading) -> None:
        """Give what is read of a table in the lake the name `relation`."""
        self.define(relation, self.source(relation, reading))

    def load(self, relation: str, rows: pa.Table) -> None:
        """Add rows to `relation`, which the first call makes."""
        self.connection.register("__loading", rows)
        self._add(relation, "__loading")
        self.connection.unregister("__loading")

    def define(self, relation: str, sql: str) -> None:
        """Give the result of SQL the name `relation`; it is computed when it is read."""
        self._run(f"CREATE OR REPLACE TEMP VIEW {identifier(relation)} AS {sql}")

    def stage(self, relation: str, sql: str, schema: pa.Schema, *, more: bool = False) -> None:
        """Execute SQL once and keep the result with this schema, on disk where it is large, as `relation`."""
        rows = f"SELECT {', '.join(typed(field) for field in schema)} FROM ({sql})"
        if more:
            self._run(f"INSERT INTO {identifier(relation)} BY NAME {rows}")
        else:
            self._run(f"CREATE OR REPLACE TEMP TABLE {identifier(relation)} AS {rows}")

    def stage_batches(
        self, relation: str, sql: str, function: OfRows, *, by: Sequence[str] = (), schema: pa.Schema
    ) -> None:
        """Add what the function makes of the rows of SQL, or of each group of them, to `relation`."""
        order = f" ORDER BY {', '.join(map(identifier, by))}" if by else ""
        # A connection has one result at a time, so what the function makes cannot go back while its rows come.
        assert self.folder is not None
        file = self.folder / f"{uuid4().hex}.parquet"
        with _told():
            batches = self.connection.execute(f"SELECT * FROM ({sql}){order}").to_arrow_reader(BATCH_ROWS)
            with pq.ParquetWriter(file, schema, compression="zstd") as made:
                for rows in joined(map(function, groups(batches, by)), BATCH_ROWS):
                    made.write_table(rows)
        self._add(relation, f"read_parquet({literal(str(file))})")
        file.unlink()

    def query(self, sql: str) -> pa.Table:
        """The result of SQL, in memory."""
        with _told():
            return self.connection.execute(sql).to_arrow_table()

    def batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        """The result of SQL, some rows at a time; nothing else may be asked until the last."""
        with _told():
            yield from self.connection.execute(sql).to_arrow_reader(BATCH_ROWS)

    def count(self, relation: str) -> int:
        """How many rows a relation has."""
        (rows,) = self._run(f"SELECT count(*) FROM {identifier(relation)}").fetchone() or (0,)
        return rows

    def write(self, folder: str, sql: str, schema: pa.Schema, by: str | None) -> None:
        """Write the rows of SQL with this schema as Parquet files into a new folder of the lake."""
        rows = f"SELECT {', '.join(typed(field) for field in schema)} FROM ({sql})"
        divided = f"PARTITION_BY ({identifier(by)})" if by else f"FILE_SIZE_BYTES {_FILE_BYTES}"
        try:
            with _told():
                options = f"FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, {divided}"
                self.connection.execute(f"COPY ({rows}) TO {literal(folder)} ({options})")
        except EngineError as error:
            # What it cannot read, or has no room for in scratch, is not the lake's fault. Of a bucket it names the
            # place in another spelling, but for the folder's own name.
            if isinstance(error.__cause__, duckdb.Error) and folder.rpartition("/")[2] in str(error.__cause__):
                if _NO_ANSWER.search(str(error.__cause__)):
                    raise ConnectionError(f"{folder}: the server does not answer") from error
                raise OSError(_first_line(error.__cause__)) from error
            raise

    def _add(self, relation: str, source: str) -> None:
        name = identifier(relation)
        if relation in self._loaded:
            self._run(f"INSERT INTO {name} BY NAME SELECT * FROM {source}")
        else:
            self._run(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM {source}")
            self._loaded.add(relation)

    def _run(self, sql: str) -> duckdb.DuckDBPyConnection:
        with _told():
            return self.connection.execute(sql)

    def source(self, relation: str, reading: Reading) -> str:
        """The query that reads it; one over files where the table can be read file by file, else over this session."""
        if reading.elsewhere is not None:
            return self._from_elsewhere(relation, reading, reading.elsewhere)
        return source(reading) or self._through_delta(relation, reading)

    def _from_elsewhere(self, relation: str, reading: Reading, elsewhere: Elsewhere) -> str:
        """The rows that somebody else writes, copied: this session reaches no place but the lake."""
        copied = f"__elsewhere_{relation}"
        self._loaded.discard(copied)
        for rows in elsewhere.tables(reading.schema):
            self.load(copied, rows)
        return f"SELECT {', '.join(typed(field) for field in reading.schema)} FROM {identifier(copied)}"

    def _through_delta(self, relation: str, reading: Reading) -> str:
        """The rows by deltalake's own reader, held in memory."""
        snapshot = reading.snapshot
        assert snapshot is not None
        view = f"__delta_{relation}"
        self.connection.register(view, pa.concat_tables(through_delta(snapshot, reading.partitions)))
        return (
            f"SELECT {_columns(reading, snapshot)} FROM {identifier(view)}{_since(reading, snapshot.partition_column)}"
        )


def source(reading: Reading) -> str | None:
    """The query that reads it file by file; None where the table has to be read through Delta."""
    snapshot = reading.snapshot
    files = reading.files
    if snapshot is None or not files:
        columns = ", ".join(typed(field, "NULL") for field in reading.schema)
        return f"SELECT {columns} WHERE false"
    return _files(snapshot, [f.path for f in files], reading) if snapshot.plain_files() else None


def _files(snapshot: Snapshot, paths: Sequence[str], reading: Reading) -> str:
    listed = ", ".join(literal(f"{snapshot.uri}/{path}") for path in paths)
    hive = "hive_partitioning = false"
    if snapshot.partition_column is not None:
        hive = f"hive_partitioning = true, hive_types = {{{literal(snapshot.partition_column)}: VARCHAR}}"
    # A column that was added later is in none of the files of a partition that was not published since.
    known = ", ".join(typed(field, "NULL") for field in snapshot.schema)
    return (
        f"SELECT {_columns(reading, snapshot)} FROM (SELECT {known} WHERE false UNION ALL BY NAME "
        f"FROM read_parquet([{listed}], union_by_name = true, {hive})){_since(reading, snapshot.partition_column)}"
    )


def _columns(reading: Reading, snapshot: Snapshot) -> str:
    present = set(snapshot.schema.names)
    return ", ".join(typed(f) if f.name in present else typed(f, "NULL") for f in reading.schema)


@contextmanager
def _told() -> Iterator[None]:
    """Say what DuckDB's errors mean here."""
    try:
        yield
    except RuntimeError as error:
        if error.__cause__ is None or isinstance(error.__cause__, Exception):
            raise
        # What the handler of a signal raised during a query; DuckDB makes its own error of it.
        raise error.__cause__ from None
    except duckdb.OutOfMemoryException as error:
        raise EngineError(
            f"memory and scratch space ran out ({_first_line(error)}); make room for TAXIWAY_HOME/scratch, "
            "or raise TAXIWAY_MEMORY_LIMIT"
        ) from error
    except duckdb.IOException as error:
        if "No files found" in str(error) or "HTTP 404" in str(error):
            raise EngineError(
                f"a data file of a table is gone ({_first_line(error)}); where upkeep has just removed what old "
                "versions need, run again; else taxiway doctor names the table, which is made anew with: "
                "taxiway run layer/name --rebuild"
            ) from error
        if _NO_ANSWER.search(str(error)):
            raise EngineError(
                f"the lake's server does not answer ({_first_line(error)}); run again once it does"
            ) from error
        raise EngineError(
            f"a file could not be read or written ({_first_line(error)}); make room for TAXIWAY_HOME/scratch; "
            "where a table's file is gone or damaged, rebuild that table: taxiway run layer/name --rebuild"
        ) from error
    except duckdb.Error as error:
        raise EngineError(
            f"DuckDB could not compute it ({_first_line(error)}); mend the transform or its input"
        ) from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _since(reading: Reading, partition_column: str | None) -> str:
    if reading.since is None:
        return ""
    since = f"{literal(reading.since.isoformat())}::TIMESTAMPTZ"
    recent = " OR ".join(f"{identifier(column)} >= {since}" for column in reading.since_columns)
    if not reading.own or partition_column is None:
        return f" WHERE {recent}"
    own = ", ".join(literal(key) for key in reading.own)
    return f" WHERE ({identifier(partition_column)} IN ({own}) OR {recent})"


_TYPES = {
    pa.bool_(): "BOOLEAN",
    pa.int8(): "TINYINT",
    pa.int16(): "SMALLINT",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.float32(): "FLOAT",
    pa.float64(): "DOUBLE",
    pa.string(): "VARCHAR",
    pa.large_string(): "VARCHAR",
    pa.binary(): "BLOB",
    pa.date32(): "DATE",
    pa.timestamp("us", "UTC"): "TIMESTAMPTZ",
    pa.timestamp("us"): "TIMESTAMP",
}


def typed(field: pa.Field, value: str | None = None) -> str:
    """A column, or a value in its place, in the column's type."""
    name = identifier(field.name)
    return f"{value or name}::{_sql_type(field.type)} AS {name}"


def _sql_type(arrow: pa.DataType) -> str:
    if pa.types.is_list(arrow) or pa.types.is_large_list(arrow):
        return f"{_sql_type(arrow.value_type)}[]"
    if pa.types.is_struct(arrow):
        members = (f"{identifier(field.name)} {_sql_type(field.type)}" for field in arrow)
        return f"STRUCT({', '.join(members)})"
    if pa.types.is_decimal128(arrow):
        return f"DECIMAL({arrow.precision}, {arrow.scale})"
    if arrow not in _TYPES:
        raise LakeError(f"the type {arrow} has no counterpart in DuckDB")
    return _TYPES[arrow]
