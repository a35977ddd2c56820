"""What `taxiway compile` prints, run without Taxiway, by a job in Scala and by DuckDB alone, is what was published."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from tests.benchmarks.spark_shell import scala_job
from tests.parity.test_whole_year import MONTHS, TABLES, compute, home
from tests.working import contents, read_texts, unavailable

from flights.project import project
from taxiway.engines import ENGINES, check_engine, open_engine
from taxiway.engines.dialects import DIALECTS
from taxiway.errors import EngineError
from taxiway.materialise import Workspace, make_script
from taxiway.tables import Table
from taxiway.testing.bits import differences

# Each table as a whole and for a month; in March the clock of New York changes.
CASES = [(table, month) for table in TABLES for month in ((None, "2013-03") if table.is_partitioned else (None,))]
MODEL, MODEL_MONTH = project.table("model/delay_model"), "2013-04"
SCALA_S = 900

ALONE = """
import sys, duckdb, pyarrow.parquet
for script in sys.argv[1:]:
    rows = duckdb.connect().execute(open(script).read()).to_arrow_table()
    pyarrow.parquet.write_table(rows, script.replace(".sql", ".parquet"))
"""


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The raw and feature tables, by DuckDB; in a folder whose name has to be quoted."""
    place = home(tmp_path_factory.mktemp("published") / 'it\'s `a` "home"')
    compute(place, open_engine(place.settings, "duckdb"), MONTHS)
    return place


@pytest.fixture(scope="module", params=ENGINES)
def printed(request: pytest.FixtureRequest, published: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the rows that an engine gives for what is printed for it."""
    folder = tmp_path_factory.mktemp(request.param)
    for name, text in scripts(published, request.param, folder):
        (folder / f"{name}.sql").write_text(text)
    if request.param == "spark":
        in_scala(published, folder)
    else:
        files = sorted(folder.glob("*.sql"))
        subprocess.run([sys.executable, "-I", "-c", ALONE, *files], timeout=SCALA_S, check=True)
    return folder


def scripts(place: Workspace, engine: str, folder: Path) -> Iterator[tuple[str, str]]:
    dialect = DIALECTS[engine]
    for table, month in CASES:
        before = f"{landed(place, table, engine, folder)};\n" if table.files is not None else ""
        yield named(table, month), f"{before}{make_script(place, table, dialect, month)}"
    given = f"\nSELECT * FROM {MODEL.address.relation}_rows;"
    yield named(MODEL, MODEL_MONTH), f"{make_script(place, MODEL, dialect, MODEL_MONTH)}{given}"


def named(table: Table, month: str | None) -> str:
    return f"{table.address.relation}-{month or 'whole'}"


def landed(place: Workspace, table: Table, engine: str, folder: Path) -> str:
    """The statement that makes the relation of a table's delivered files, which whoever runs the script has to have."""
    assert table.files is not None
    assert table.transform is not None
    read = []
    for month in MONTHS if table.is_partitioned else ("*",):
        name = table.file_name(month)
        rows = read_texts(name, place.landing.read(name), list(table.file_columns), table.files)
        read.append(rows.table.append_column("_partition", pa.repeat(pa.scalar(month), rows.table.num_rows)))
    file = folder / f"{table.address.relation}.delivered"
    pq.write_table(pa.concat_tables(read), file)
    place_of = f"parquet.`{file}`" if engine == "spark" else f"read_parquet('{file}')"
    return f"CREATE OR REPLACE TEMPORARY VIEW {table.transform.inputs[0]} AS SELECT * FROM {place_of}"


def in_scala(place: Workspace, folder: Path) -> None:
    try:
        check_engine(place.settings, "spark")
    except EngineError as error:
        unavailable(str(error))
    command = scala_job(place.settings, folder)
    variables: Mapping[str, str] = {**os.environ, **command.variables}
    log = folder / "spark-shell.log"
    with log.open("wb") as output:
        ended = subprocess.run(
            command.words,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            timeout=SCALA_S,
            check=False,
        )
    assert (folder / "seconds.json").exists(), (ended.returncode, log.read_text()[-4000:])


@pytest.mark.timeout(2 * SCALA_S)
@pytest.mark.parametrize(("table", "month"), CASES, ids=lambda case: getattr(case, "at", case))
def test_printed_sql_gives_what_was_published(
    published: Workspace, printed: Path, table: Table, month: str | None
) -> None:
    wanted = contents(published.lake, table.address)
    if month is not None:
        wanted = wanted.filter(pc.field("month") == month)
    assert wanted.num_rows
    found = pq.read_table(printed / f"{named(table, month)}.parquet").select(wanted.schema.names).cast(wanted.schema)
    assert differences(wanted, accepted(published, table, found), table.rules.key) == []


def accepted(place: Workspace, table: Table, rows: pa.Table) -> pa.Table:
    """The rows that are not in quarantine."""
    if place.lake.find(table.address.quarantine) is None:
        return rows
    place_of = ["source_file", "source_row"]
    return rows.join(contents(place.lake, table.address.quarantine).select(place_of), place_of, join_type="left anti")


@pytest.mark.timeout(2 * SCALA_S)
def test_printed_sql_gives_what_a_function_is_given(published: Workspace, printed: Path) -> None:
    found = pq.read_table(printed / f"{named(MODEL, MODEL_MONTH)}.parquet")
    features = contents(published.lake, "feature/delay_features")
    earlier = features.filter((pc.field("month") < MODEL_MONTH) & pc.field("is_late").is_valid())
    given = earlier.select(found.schema.names).cast(found.schema)
    unseen = set(given["flight_id"].to_pylist()) - set(found["flight_id"].to_pylist())
    assert 0 < len(unseen) < 0.01 * given.num_rows, "only flights that had not arrived when the month began"
    seen = given.filter(~pc.field("flight_id").isin(list(unseen)))
    assert differences(seen, found, ["flight_id"]) == []
