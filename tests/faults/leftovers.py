"""What a run should not have left behind, found without the platform's own way to find it."""

import json
from pathlib import Path
from urllib.parse import unquote

from taxiway.settings import Settings


def leftovers(settings: Settings) -> list[str]:
    """Files of the lake that belong to no version of a table, and folders of scratch; relative to the home."""
    found = list(settings.scratch.glob("*/"))
    for table in settings.lake.glob("*/*"):
        entries = sorted((table / "_delta_log").glob("????????????????????.json"))
        belonging = {*entries, *(table / "_delta_log").glob("*.checkpoint.parquet")}
        belonging |= {table / "_delta_log" / "_last_checkpoint", *(table / "_confirmed").glob("[!.]*.json")}
        for entry in entries:
            for action in map(json.loads, entry.read_text().splitlines()):
                if "add" in action:
                    belonging.add(table / unquote(action["add"]["path"]))
        found += [path for path in table.rglob("*") if path.is_file() and path not in belonging]
    return sorted(str(path.relative_to(settings.home)) for path in map(Path, found))
