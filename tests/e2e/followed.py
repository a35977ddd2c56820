"""A `taxiway run` that follows its runs in Dagster's queue, seen from the terminal that it was started in."""

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.compute as pc
from tests.e2e.staging import RUN_S, Staging, bucket_of, wait
from tests.working import ROOT, contents

from flights.project import project
from taxiway.deployment import nginx
from taxiway.lake import Lake
from taxiway.storage import Store
from taxiway.testing.bits import differences

# A run whose process was lost is looked for once a minute, tried again and waited for.
LOST_S = 2 * RUN_S

_QUEUED = re.compile(r"(?m)^queued +run (\S+)$")
_PIDS = """query($id: ID!) { found: logsForRun(runId: $id) { ... on EventConnection { events {
    ... on EngineEvent { metadataEntries { label ... on TextMetadataEntry { text } } } } } } }"""


class Following:
    """The process, and what it tells."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self._folder, self.process = folder, process

    @property
    def told(self) -> str:
        """What it has told on stderr so far."""
        return (self._folder / "stderr").read_text()

    @property
    def said(self) -> str:
        """What it has printed so far."""
        return (self._folder / "stdout").read_text()

    @property
    def runs(self) -> list[str]:
        """The runs that it has submitted or followed so far."""
        return _QUEUED.findall(self.told)

    def hears(self, text: str) -> None:
        """Wait until it tells that; one that ends without does not."""
        wait(f"'{text}' in what is told", RUN_S, lambda: text in self.told or self.process.poll() is not None)
        assert text in self.told, self.told

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def ends(self, seconds: float = RUN_S) -> int:
        """With which code it ends."""
        wait("the command to end", seconds, lambda: self.process.poll() is not None)
        return self.process.returncode


@contextmanager
def background(staging: Staging, *words: str) -> Iterator[Following]:
    """A command of a publisher's, ended with the block where it has not ended by itself."""
    with TemporaryDirectory() as made:
        folder = Path(made)
        with (folder / "stderr").open("wb") as stderr, (folder / "stdout").open("wb") as stdout:
            process = subprocess.Popen(
                [Path(sys.executable).with_name("taxiway"), *words],
                cwd=ROOT,
                env=os.environ | staging.variables("publisher"),
                stdout=stdout,
                stderr=stderr,
            )
        try:
            yield Following(folder, process)
        finally:
            # As from a terminal: what it has started ends with it.
            process.send_signal(signal.SIGINT)
            process.wait(RUN_S)


@contextmanager
def following(staging: Staging, *words: str) -> Iterator[Following]:
    """`taxiway run` of a publisher's, which follows the run until the block ends."""
    with background(staging, "run", *words) as command:
        yield command


def process_of(staging: Staging, run: str) -> int:
    """The process that executes a run, by the word of its log."""
    found: list[int] = []

    def look() -> bool:
        events = staging.ask(nginx.VIEWER, _PIDS, id=run)["found"]["events"]
        entries = [entry for event in events for entry in event.get("metadataEntries", ())]
        found[:] = [int(entry["text"]) for entry in entries if entry["label"] == "pid"]
        return bool(found)

    wait("the run to name its process", RUN_S, look)
    return found[-1]


def lake_of(staging: Staging) -> Lake:
    """The deployment's lake, to read."""
    return Lake(Store(f"s3://{staging.layout.bucket}/lake", bucket_of(staging)))


def publications(lake: Lake) -> Mapping[str, Counter[str]]:
    """How often each partition of each table has been published."""
    found: dict[str, Counter[str]] = {}
    for address in lake.tables():
        commits = [commit.provenance for commit in lake.open(address).commits()]
        found[str(address)] = Counter(key for made in commits if made is not None for key in made.partitions)
    return found


def wrong(expected: Lake, found: Lake) -> dict[str, list[str]]:
    """How the months of each table that are published differ from those of another lake, whatever is missing."""
    told: dict[str, list[str]] = {}
    for table in project.tables:
        if table.address.layer == "mart" or found.find(table.address) is None:
            continue
        there, here = contents(found, table.address), contents(expected, table.address)
        if table.is_partitioned:
            here = here.filter(pc.is_in(here["month"], value_set=pc.unique(there["month"])))
        told[table.at] = differences(here, there, table.rules.key)
    assert told
    return {at: differs for at, differs in told.items() if differs}
