"""The programs that are measured: `taxiway`, and the scripts of this folder, with this Python."""

import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from taxiway.benchmark import Command

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def shared(name: str) -> Any:
    """A module that tests share, which lies beside this folder."""
    if str(ROOT) not in sys.path:
        sys.path.append(str(ROOT))
    return import_module(f"tests.{name}")


def taxiway(home: Path, *words: str) -> Command:
    """A command of Taxiway with its state in `home`, in the local deployment as it stands in the checkout."""
    variables = {"TAXIWAY_HOME": str(home), "TAXIWAY_ROOT": str(ROOT), "TAXIWAY_DEPLOYMENT": "local"}
    return Command((str(Path(sys.executable).with_name("taxiway")), *words), variables, ROOT)


def script(name: str, *words: object, variables: Mapping[str, str] | None = None) -> Command:
    """A script of this folder, which may use what tests share."""
    return Command((sys.executable, str(HERE / name), *map(str, words)), {"PYTHONPATH": str(ROOT), **(variables or {})})
