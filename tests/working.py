"""What tests of the platform share: a project in a temporary home, landing, running and reading."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NoReturn

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import yaml
from deltalake import QueryBuilder

from taxiway.addresses import Address
from taxiway.engines import open_engine
from taxiway.lake import WHOLE, Lake, PartitionState, Provenance, Publication, Snapshot
from taxiway.landing import CSV, DeliveredFile, Files, read_file
from taxiway.materialise import Outcome, Workspace, materialise
from taxiway.notebook import OpenLake
from taxiway.settings import load_settings
from taxiway.storage import Store
from taxiway.tables import Project, Table
from tests import gauges

ROOT = Path(__file__).parents[1]
# A namespace of its own lets anybody mount a small disk that only the test sees and that goes with it.
OWN_MOUNTS = ("unshare", "--map-root-user", "--mount")
_PLAIN = CSV("file.csv")
SOAK = os.environ.get("TAXIWAY_SOAK") == "1"
"""Whether to run with full counts of kills and examples."""

LOCAL = (ROOT / "deployments" / "local" / "settings.toml").read_text()
"""The settings of a deployment that needs nothing but a folder; what the project shares is not among them."""

# Processes are forked from one that has imported all this and has done nothing yet.
processes = get_context("forkserver")
processes.set_forkserver_preload(["tests.working"])


def workspace(home: Path, project: Project = gauges.project, *, months: int = 4, **settings: Any) -> Workspace:
    """A project in the folder `home`, with that many months from 2013-01 on the clock of UTC."""
    end = f"{2013 + months // 12}-{months % 12 + 1:02d}"
    chosen = {"zone": "UTC", "first": "2013-01", "end": end} | settings
    return Workspace(project, load_settings("local", root=ROOT, home=home, **chosen))


def with_table(place: Workspace, changed: Table) -> Workspace:
    """The same deployment after a table's definition changed, or with a table more."""
    others = tuple(table for table in place.project.tables if table.at != changed.at)
    return Workspace(replace(place.project, tables=(*others, changed)), place.settings)


def land(place: Workspace, months: Sequence[str] | None = None, change: tuple[bytes, bytes] = (b"", b"")) -> None:
    """Deliver the project's files of these months, all by default, with a text replaced by another."""
    assert place.project.deliveries is not None
    for name, data in place.project.deliveries(place.settings.calendar.keys("month") if months is None else months):
        place.landing.deliver(name, data.replace(*change) if change[0] else data)


def run(place: Workspace, at: str, partitions: Sequence[str] | str | None = None, **options: Any) -> Outcome:
    """Materialise partitions of a table, all that the settings name by default."""
    table = place.project.table(at)
    if partitions is None:
        partitions = place.partitions(table)
    keys = [partitions] if isinstance(partitions, str) else list(partitions)
    return materialise(place, table, keys, open_engine(place.settings), run="test", **options)


def run_all(place: Workspace, partitions: Sequence[str] | None = None, **options: Any) -> list[Outcome]:
    """Materialise all tables of the gauges in order."""
    tables = ("raw/gauges", "raw/readings", "feature/level_history", "feature/river_month")
    chosen = {at: partitions if place.project.table(at).is_partitioned else None for at in tables}
    return [run(place, at, keys, **options) for at, keys in chosen.items()]


def opened(place: Workspace, months: Sequence[str]) -> OpenLake:
    """The lake of the gauges, to read, with these months made."""
    land(place, months)
    run_all(place, months)
    lake = OpenLake(place.settings)
    lake.__dict__["workspace"] = place
    return lake


def statuses(outcome: Outcome) -> dict[str, str]:
    """What became of each partition."""
    return {result.partition: result.status for result in outcome.partitions}


def contents(lake: Lake, at: str | Address, version: int | None = None) -> pa.Table:
    """A table as Delta's own reader finds it, with rows in any order."""
    snapshot = lake.open(Address.parse(at), version)
    # deltalake's other reader leaves threads behind that can abort the process when it ends.
    found = pa.table(QueryBuilder().register("found", snapshot.delta).execute("SELECT * FROM found"))
    return found.select(snapshot.schema.names).cast(snapshot.schema)


def rows(lake: Lake, at: str, version: int | None = None) -> list[dict[str, Any]]:
    """All rows of a table, in an order that depends on nothing but the rows."""
    found = contents(lake, at, version).to_pylist()
    return sorted(found, key=lambda row: [str(row[name]) for name in sorted(row)])


def publish(
    lake: Lake, at: str, table: pa.Table, partitions: Sequence[str], base: Snapshot | None = None, **options: Any
) -> int:
    """Publish rows as these partitions of a table, by `month`, or as `[WHOLE]` of one without partitions."""
    column = None if list(partitions) == [WHOLE] else "month"
    counted = {key: table.num_rows if column is None else table[column].to_pylist().count(key) for key in partitions}
    states = {key: PartitionState("", "code", {"raw/x": {key: "1"}}, counted[key]) for key in partitions}
    provenance = Provenance.of(run="test", engine="test 1", libraries={"arrow": pa.__version__}, partitions=states)
    publication = Publication(Address.parse(at), provenance, base, column, **options)
    return lake.publish(publication, table.schema, partial(write_rows, lake.store, table, column))


def write_rows(store: Store, table: pa.Table, by: str | None, folder: str) -> None:
    """Write rows as an engine does: as a Parquet file for each partition, in a folder of the lake."""
    below = folder.removeprefix(f"{store.uri}/")
    for key in [None] if by is None else table[by].unique().to_pylist():
        rows = table if by is None else table.filter(pc.field(by) == key).drop_columns(by)
        written = pa.BufferOutputStream()
        pq.write_table(rows, written)
        store.write(f"{below}/{'' if by is None else f'{by}={key}/'}0.parquet", written.getvalue().to_pybytes())


def workspace_file(module: str, folder: str) -> str:
    """The text of a workspace.yaml whose code location lies in a folder."""
    entry = {"module_name": module, "location_name": module.partition(".")[0], "working_directory": folder}
    return yaml.safe_dump({"load_from": [{"python_module": entry}]})


def see_own_mounts(folder: Path) -> None:
    """Skip the test where small disks cannot be mounted on a folder."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    try:
        subprocess.run([*OWN_MOUNTS, *mount], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        unavailable(f"small disks cannot be mounted here: {error}")


def unavailable(reason: str) -> NoReturn:
    """Skip the test for what this machine cannot run; fail it where TAXIWAY_REQUIRE=all asks for everything."""
    if os.environ.get("TAXIWAY_REQUIRE") == "all":
        pytest.fail(reason)
    pytest.skip(reason)


def read_texts(name: str, data: bytes, columns: Sequence[str], files: Files = _PLAIN) -> DeliveredFile:
    """A delivered file whose columns are all texts, plain CSV by default."""
    return read_file(files, name, data, dict.fromkeys(columns, pa.string()))
