"""What the certificate costs when definitions load: `python certificate.py HOME` prints JSON of tables and seconds.

Building the expressions is part of it, importing the project and Ibis is not.
"""

import json
import sys
import time
from pathlib import Path

from flights.project import project
from taxiway.materialise import Workspace, kind_of
from taxiway.settings import load_settings


def main() -> None:
    workspace = Workspace(project, load_settings("local", root=Path(__file__).parents[2], home=sys.argv[1]))
    began = time.perf_counter()
    for table in project.tables:
        kind_of(workspace, table)
    print(json.dumps({"tables": len(project.tables), "certificate_seconds": time.perf_counter() - began}))


if __name__ == "__main__":
    main()
