"""From a project to what it measures."""

import importlib.util
import sys
from pathlib import Path

from taxiway.benchmark.measure import Benchmarks
from taxiway.errors import DefinitionError, UsageError
from taxiway.tables import Project

_PACKAGE = "taxiway_benchmarks"


def load_benchmarks(project: Project, root: Path) -> Benchmarks:
    """The `benchmarks` of the package in the folder of the project, below its root, of that purpose.

    Raises UsageError where the project has none or its checkout is not here, DefinitionError where the package
    does not define them.
    """
    if project.benchmarks is None:
        raise UsageError(f"{project.name} has no benchmarks: name their folder in its Project(benchmarks=...)")
    folder = root / project.benchmarks
    source = folder / "__init__.py"
    if not source.is_file():
        raise UsageError(
            f"the benchmarks of {project.name} are in its checkout and {folder} is not there: run this in a checkout"
        )
    spec = importlib.util.spec_from_file_location(_PACKAGE, source, submodule_search_locations=[str(folder)])
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[_PACKAGE] = module
    spec.loader.exec_module(module)
    found = getattr(module, "benchmarks", None)
    if not isinstance(found, Benchmarks):
        raise DefinitionError(f"{source}: define `benchmarks`, of type taxiway.benchmark.Benchmarks")
    return found
