"""Removing what a session that was cut short left in the lake: files that no entry of a table's log names."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from taxiway.errors import LakeError

_LOG = "_delta_log"
_ENTRY = re.compile(r"[0-9]{20}\.json")
# Writers put a file beside its place under such a name, then move it there.
_HALF_WRITTEN = re.compile(r".*#[0-9]+|_commit_.*\.tmp|\..*\.(json|checkpoint)\..*")


def remove_uncommitted(lake: Path, since: float) -> int:
    """Remove files written since that time (seconds since 1970) which no commit names; returns how many.

    For use while nothing else writes to the lake. A table whose log is not whole is left as it is. Raises
    LakeError where a file cannot be removed.
    """
    removed = 0
    for table in sorted(lake.glob("*/*")) if lake.is_dir() else ():
        recent = [path for path in _files(table) if path.stat().st_mtime >= since]
        if recent:
            named = _named(table)
            removed += sum(_remove(path) for path in recent if _is_leftover(path, table, named))
    return removed


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _is_leftover(path: Path, table: Path, named: frozenset[str] | None) -> bool:
    if _HALF_WRITTEN.fullmatch(path.name):
        return True
    place = path.relative_to(table)
    is_data = path.suffix == ".parquet" and not place.parts[0].startswith("_")
    return is_data and named is not None and str(place) not in named


def _named(table: Path) -> frozenset[str] | None:
    """The data files, live or not, that the log names; None where entries are missing or cannot be read."""
    log = table / _LOG
    named = set()
    try:
        entries = sorted(path for path in log.iterdir() if _ENTRY.fullmatch(path.name)) if log.is_dir() else []
        for number, entry in enumerate(entries):
            if int(entry.stem) != number:
                return None
            actions = [json.loads(line) for line in entry.read_text().splitlines()]
            named |= {unquote(body["path"]) for action in actions for body in action.values() if "path" in body}
    except (OSError, ValueError, TypeError, AttributeError):
        return None
    return frozenset(named)


def _remove(path: Path) -> int:
    try:
        path.unlink()
    except OSError as error:
        raise LakeError(f"{path}: left by a run that was cut short, cannot be removed ({error}); remove it") from error
    return 1
