"""Where a table is written down: the UI opens these files in an editor."""

import inspect
import linecache
from pathlib import Path
from typing import Any

import dagster as dg

from taxiway.marts import DbtProject
from taxiway.orchestration.quiet import quiet
from taxiway.tables import Table


def code_references(table: Table, project: DbtProject | None = None) -> dict[str, Any]:
    """Metadata that opens the file of a table's transform, or of its dbt model, and that of its contract."""
    found: list[tuple[str, str | None, int]] = []
    if table.transform is not None and table.external is None:
        function = inspect.unwrap(table.transform.function)
        found.append(("transform", inspect.getsourcefile(function), function.__code__.co_firstlineno))
    if project is not None:
        found.append(("dbt model", str(project.model(table.address.name).file.resolve()), 1))
    file = inspect.getsourcefile(table.contract)
    found.append(("contract", file, _line_of(table.contract, file)))
    with quiet("Class `(LocalFileCodeReference|CodeReferencesMetadataValue)`"):
        references = [
            dg.LocalFileCodeReference(file_path=str(Path(path).absolute()), line_number=line, label=label)
            for label, path, line in found
            if path is not None
        ]
        return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[*references])}


def _line_of(contract: type, file: str | None) -> int:
    """The line on which a class begins; to parse its file, as `inspect` does, would take longer than to import it."""
    begins = f"class {contract.__name__}("
    lines = linecache.getlines(file) if file is not None else []
    return next((number for number, line in enumerate(lines, 1) if line.lstrip().startswith(begins)), 1)
