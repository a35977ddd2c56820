"""A table's fingerprint is the same in every process, or everything would be computed again each day."""

import json
import os
import subprocess
import sys

PRINT = """
import json
from flights.project import project
from taxiway.materialise import Workspace
from taxiway.materialise.compiled import compile_table
from taxiway.settings import load_settings

place = Workspace(project, load_settings())
tables = [table for table in project.tables if table.transform is not None]
print(json.dumps({table.at: compile_table(place, table).fingerprint for table in tables}))
"""


def fingerprints(seed: str) -> dict[str, str]:
    found = subprocess.run(
        [sys.executable, "-c", PRINT],
        env=os.environ | {"PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return json.loads(found.stdout)


def test_fingerprints_do_not_depend_on_the_order_of_hashes():
    first = fingerprints("1")
    assert len(first) == 16
    assert fingerprints("2") == first
    assert fingerprints("3") == first
