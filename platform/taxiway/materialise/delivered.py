"""What lies in the landing zone: the files that tables are made from, and what belongs to none of them.

Nothing that lies there is passed over in silence: `unexpected` tells all that no table will ever read.
"""

import re
import time
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase

from taxiway.errors import UsageError
from taxiway.landing import Entry, Listing
from taxiway.materialise.workspace import Workspace
from taxiway.partitions import parse_month, shift_month
from taxiway.storage import SETTLED_AFTER_S
from taxiway.tables import Project, Table

_NEAR = 0.8
# Of so many the nearest name is looked for among all; a name that is only written otherwise is always found.
_COMPARED = 50
_UPLOADS = (".part", ".partial", ".filepart", ".crdownload", ".download", ".tmp", ".temp", ".uploading")
_PACKED = re.compile(r"\.(gz|zip|bz2|xz|zst|7z|tar|tgz|z)$")
_COPY = re.compile(r"[ _-]*(\(\d*\)|- *copy|copy|\bcopy of\b)[ _-]*")
_MONTH = re.compile(r"(?<!\d)(\d{4})[^0-9a-z]?(\d{1,2})(?!\d)")
_OTHER = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class Unexpected:
    """What lies in the landing zone and will not be read: its name, why and what to do, the table that may be meant."""

    name: str
    why: str
    table: Table | None = None

    @property
    def message(self) -> str:
        """Both in one line."""
        return f"{self.name} {self.why}"


def raw_tables(project: Project) -> list[Table]:
    """The tables that are made from delivered files."""
    return [table for table in project.tables if table.files is not None]


def unexpected(workspace: Workspace, listing: Listing) -> list[Unexpected]:
    """What of it is no file of a table for a month of the deployment, what is near one first.

    An upload in progress is not told: a file that is hidden, or ends as programs call an unfinished file, until an
    hour has gone by without a change. Then a hidden one is told where it names a file that a table is made from.
    """
    names = _Names(workspace)
    found = []
    for entry in [listing.entry(name) for name in listing.found if name not in workspace.expected_files]:
        upload = _upload_of(entry.name)
        meant = next(filter(None, map(names.meant, upload or (entry.name,))), None)
        if not upload or (_has_ended(entry) and (meant or not entry.name.startswith("."))):
            found.append((entry, meant))
    others = [entry for entry, meant in found if meant is None]
    # What a broken table's files are called is not known, so that no name is near enough.
    compared = [] if _broken(workspace) else others[:_COMPARED]
    nearest = {entry.name: names.near(entry.name) for entry in compared}
    told = [_told(workspace, listing, entry, meant or nearest.get(entry.name)) for entry, meant in found]
    return sorted(told, key=lambda each: each.table is None)


def in_short(found: Sequence[Unexpected], most: int = 5) -> Iterator[str]:
    """A line for each of the first, and one for how many more there are."""
    yield from (each.message for each in found[:most])
    if len(found) > most:
        yield f"and {len(found) - most:,} more that belong to no table"


class _Names:
    """The names that the files of a deployment have."""

    def __init__(self, workspace: Workspace) -> None:
        self._months = workspace.settings.months
        self._tables = raw_tables(workspace.project)
        self._by_month: dict[str, dict[str, tuple[Table, str]]] = {}

    def meant(self, name: str) -> tuple[Table, str] | None:
        """The table and the file's name of which this is another spelling, for any month, also outside the
        deployment's; the name is empty where it lacks a month."""
        month = _month_in(name)
        if month and (several := self._of_several(name, month)):
            return several
        found = self._spelt(month or self._months.first).get(_plain(name))
        if found is not None and (month or not found[0].monthly):
            return found
        bare = _without_month(name)
        tables = (table for table, file in self._spelt(self._months.first).values() if _without_month(file) == bare)
        table = next((table for table in tables if table.monthly), None)
        return (table, "") if table is not None else None

    def _of_several(self, name: str, month: str) -> tuple[Table, str] | None:
        """The table of whose files for a month this is one, but for its case, or that of another month."""
        for table in self._tables:
            pattern = table.file_name(month)
            if "*" in pattern and fnmatchcase(name.casefold(), pattern.casefold()):
                return table, name if fnmatchcase(name, pattern) else pattern
        return None

    def near(self, name: str) -> tuple[Table, str] | None:
        """The table and the name of this month that are nearest to a misspelt one."""
        month = _month_in(name)
        known = month is not None and self._months.first <= month < self._months.end
        files = {file: table for table, file in self._spelt(month if month and known else self._months.first).values()}
        nearest = get_close_matches(_shape(name), list(files), 1, _NEAR)
        return (files[nearest[0]], nearest[0]) if nearest else None

    def _spelt(self, month: str) -> dict[str, tuple[Table, str]]:
        if month not in self._by_month:
            files = [(table, table.file_name(month)) for table in self._tables]
            self._by_month[month] = {_plain(file): (table, file) for table, file in files}
        return self._by_month[month]


def _told(workspace: Workspace, listing: Listing, entry: Entry, meant: tuple[Table, str] | None) -> Unexpected:
    table, name = meant or (None, "")
    return Unexpected(entry.shown, _why(workspace, listing, entry, table, name), table)


def _why(workspace: Workspace, listing: Listing, entry: Entry, table: Table | None, name: str) -> str:
    """Why it is not read, and what to do."""
    broken = _broken(workspace)
    if table is None and broken:
        kind = f"{entry.problem.partition(':')[0]}, and " if entry.problem else ""
        return f"{kind}belongs to no table that can be made: it may be of {broken}; mend that first"
    if _upload_of(entry.name):
        return (
            f"is an upload that has not gone on for an hour: deliver {name or 'the file'} again, and remove this part"
        )
    if entry.problem:
        kind, _, _ = entry.problem.partition(":")
        instead = "put the files in it" if "folder" in kind else "deliver a file"
        return f"{kind}, and belongs to no table: {instead} into {workspace.landing.store} itself, and remove it"
    return _why_misnamed(workspace, listing, entry.name, table, name)


def _why_misnamed(workspace: Workspace, listing: Listing, given: str, table: Table | None, name: str) -> str:
    folder = workspace.landing.store
    if table is None:
        return f"belongs to no table: rename it as a table's file is named, or remove it from {folder}"
    if not name:
        months = workspace.settings.months
        return f"belongs to no month of {table.at}: write the month as in {table.file_name(months.first)}"
    outside = _outside(workspace, table, name)
    if outside:
        return outside + ("" if given == name else f", and would have to be named {name}")
    if name in listing.readable:
        advice = "" if _broken(workspace) else f"; remove it from {folder}"
        return f"belongs to no table: {name}, which it is near to, lies there too{advice}"
    packed = [bool(_PACKED.search(each.casefold())) for each in (given, name)]
    otherwise = {(True, False): f"unpack it as {name}", (False, True): f"pack it as {name}"}
    return f"belongs to no table: {otherwise.get((packed[0], packed[1]), f'did you mean {name}? rename it')}"


def _broken(workspace: Workspace) -> str:
    """The broken tables that may be made from a file, in words; empty where there is none."""
    found = [each for each in workspace.project.broken if not each.reads]
    raw = [each.at for each in found if not each.has_address or each.at.startswith("raw/")]
    return f"{' or '.join(raw)}, which is broken" if raw else ""


def _outside(workspace: Workspace, table: Table, name: str) -> str:
    """That the file's month is none of the deployment's; empty where it is one."""
    month, months = _month_in(name), workspace.settings.months
    if not table.monthly or month is None or months.first <= month < months.end:
        return ""
    setting = f"TAXIWAY_FIRST_MONTH={month}" if month < months.first else f"TAXIWAY_END_MONTH={shift_month(month, 1)}"
    return (
        f"is of {table.at} for {month}, outside the months of this deployment ({months.first} to before {months.end}): "
        f"set {setting}, or remove it"
    )


def _upload_of(name: str) -> tuple[str, ...]:
    """The names that a file may get whose upload is called this; none where it is not called as an upload."""
    if name.startswith("."):
        # Many programs add a random word.
        return name[1:], name[1:].rpartition(".")[0]
    return (name.rpartition(".")[0],) if name.casefold().endswith(_UPLOADS) else ()


def _has_ended(entry: Entry) -> bool:
    return entry.file is not None and time.time() - entry.file.changed_ns / 1e9 > SETTLED_AFTER_S


def _shape(name: str) -> str:
    text = unicodedata.normalize("NFKC", name).casefold().strip()
    return _COPY.sub("", _PACKED.sub("", text)).strip()


def _plain(name: str) -> str:
    """The name without what is easily written in another way: case, separators, a packer's ending, `(1)` of a copy."""
    return _OTHER.sub("", _MONTH.sub(lambda found: f"{found[1]}{int(found[2]):02d}", _shape(name)))


def _without_month(name: str) -> str:
    return _OTHER.sub("", _MONTH.sub("", _shape(name)))


def _month_in(name: str) -> str | None:
    """The month in a name, None where there is none."""
    found = _MONTH.search(_shape(name))
    if found is None:
        return None
    month = f"{found[1]}-{int(found[2]):02d}"
    try:
        parse_month(month)
    except UsageError:
        return None
    return month
