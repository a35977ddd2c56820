"""What a run should not have left behind, found without the platform's own way to find it."""

import json
from urllib.parse import unquote

from taxiway.lake import owner
from taxiway.settings import Settings
from taxiway.storage import Store


def leftovers(settings: Settings) -> list[str]:
    """Files of the lake that belong to no version of a table, and folders of scratch."""
    return sorted([*orphans(settings.lake), *map(str, settings.scratch.glob("*/"))])


def orphans(lake: Store) -> list[str]:
    """Files of a lake that belong to no version of a table, and do not say whose it is; below the lake."""
    found = {file.path for file in lake.files() if file.path != owner.FILE and not _tells_project(file.path)}
    return sorted(found - {path for entry in _logs(found) for path in _belonging(lake, entry)})


def _tells_project(path: str) -> bool:
    return path.startswith(f"{owner.PROJECTS}/")


def missing(lake: Store) -> list[str]:
    """Files that the latest version of a table names and that are not there."""
    found = {file.path for file in lake.files()}
    live: set[str] = set()
    for entry in sorted(_logs(found)):
        for action, path in _named(lake, entry):
            (live.add if action == "add" else live.discard)(path)
    return sorted(live - found)


def _logs(paths: set[str]) -> set[str]:
    return {path for path in paths if "/_delta_log/" in path and path.endswith(".json")}


def _belonging(lake: Store, entry: str) -> set[str]:
    """An entry of a log, what shortens reading it, and the files that it adds."""
    log = entry.rpartition("/")[0]
    shortening = {f"{entry.removesuffix('.json')}.checkpoint.parquet", f"{log}/_last_checkpoint"}
    return {entry, *shortening, *(path for action, path in _named(lake, entry) if action == "add")}


def _named(lake: Store, entry: str) -> list[tuple[str, str]]:
    table = entry.partition("/_delta_log/")[0]
    actions = [json.loads(line) for line in lake.read(entry).splitlines()]
    return [
        (name, f"{table}/{unquote(said['path'])}")
        for action in actions
        for name, said in action.items()
        if name in ("add", "remove")
    ]
