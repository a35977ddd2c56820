"""What lies in the landing zone: the files that tables are made from, and what belongs to none of them.

Nothing that lies there is passed over in silence: `unexpected` tells all that no table will ever read.
"""

import re
import time
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from itertools import count

from taxiway.calendar import Calendar, Grain
from taxiway.lake import WHOLE
from taxiway.landing import NAMES, Delivery, Entry, Listing, is_file_name
from taxiway.materialise.workspace import Workspace
from taxiway.storage import SETTLED_AFTER_S
from taxiway.tables import Project, Table

_NEAR = 0.8
# Of so many the nearest name is looked for among all; a name that is only written otherwise is always found.
_COMPARED = 50
_UPLOADS = (".part", ".partial", ".filepart", ".crdownload", ".download", ".tmp", ".temp", ".uploading")
_PACKED = re.compile(r"\.(gz|zip|bz2|xz|zst|7z|tar|tgz|z)$")
_COPY = re.compile(r"[ _-]*(\(\d*\)|- *copy|copy|\bcopy of\b)[ _-]*")
_MONTH = r"(?<!\d)(?P<year>\d{4})[^0-9a-z]?(?P<month>\d{1,2})"
_DAY = rf"{_MONTH}[^0-9a-z]?(?P<day>\d{{1,2}})"
# How people write what is nearly a key, in lower case.
_ALMOST: Mapping[Grain, re.Pattern[str]] = {
    "month": re.compile(rf"{_MONTH}(?!\d)"),
    "day": re.compile(rf"{_DAY}(?!\d)"),
    "week": re.compile(r"(?<!\d)(?P<year>\d{4})[^0-9a-z]?w[^0-9a-z]?(?P<week>\d{1,2})(?!\d)"),
    "hour": re.compile(rf"{_DAY}[^0-9a-z]?t?(?P<hour>\d{{1,2}})(?P<offset>[+-]\d{{4}})?(?!\d)"),
}
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
    """What of it is no file of a table for a partition that is over, what is near one first.

    An upload in progress is not told: a file that is hidden, or ends as programs call an unfinished file, until an
    hour has gone by without a change. Then a hidden one is told where it names a file that a table is made from.
    """
    names, expected = _Names(workspace), workspace.expected_in(listing)
    found = []
    for entry in [listing.entry(name) for name in listing.found if name not in expected]:
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


def waiting(workspace: Workspace, listing: Listing) -> Iterator[str]:
    """A line for each table some of whose delivered rows are of partitions that are not over yet, and wait for that."""
    for table in (table for table in raw_tables(workspace.project) if table.is_dated):
        over = frozenset(workspace.partitions(table))
        files = [file for file in listing.files if table.is_named(file.name)]
        later = [[k for k in workspace.dated_files.learn(table, file).partitions if k not in over] for file in files]
        if any(later):
            keys = workspace.calendar.in_words({key for keys in later for key in keys})
            number = sum(map(bool, later))
            among = f"{number:,} files have" if number > 1 else "one file has"
            yield f"{table.at}: {among} rows of {keys}, which is not over yet: they are read after that"
    workspace.dated_files.keep()


def in_short(found: Sequence[Unexpected], most: int = 5) -> Iterator[str]:
    """A line for each of the first, and one for how many more there are."""
    yield from (each.message for each in found[:most])
    if len(found) > most:
        yield f"and {len(found) - most:,} more that belong to no table"


class _Names:
    """The names that the files of a deployment have."""

    def __init__(self, workspace: Workspace) -> None:
        self._calendar = workspace.calendar
        self._tables = raw_tables(workspace.project)
        self._first = {table: workspace.first_partition(table) for table in self._tables}
        self._plain: dict[tuple[Table, str], str] = {}
        self._bare = {table: _bare(table.file_name(self._first[table]), table.file_grain) for table in self._tables}

    def meant(self, name: str) -> tuple[Table, str] | None:
        """The table and the file's name of which this is another spelling, for any partition, also outside the
        calendar; the name is empty where it lacks a partition."""
        lacking = None
        for table in self._tables:
            grain = table.file_grain
            key = _key_in(self._calendar, name, grain)
            if table.files is not None and table.files.several:
                pattern = table.file_name(key or WHOLE)
                if (key or grain is None) and fnmatchcase(name.casefold(), pattern.casefold()):
                    return table, name if fnmatchcase(name, pattern) else pattern
            if (key or grain is None) and _plain(name, grain) == self._plainly(table, key or WHOLE):
                return table, table.file_name(key or WHOLE)
            if lacking is None and grain is not None and _bare(name, grain) == self._bare[table]:
                lacking = table
        return (lacking, "") if lacking is not None else None

    def near(self, name: str) -> tuple[Table, str] | None:
        """The table and the name, for the partition that it tells, that are nearest to a misspelt one."""
        files = {}
        for table in self._tables:
            key = _key_in(self._calendar, name, table.file_grain)
            files[table.file_name(key if key and self._calendar.has(key) else self._first[table])] = table
        nearest = get_close_matches(_shape(name), list(files), 1, _NEAR)
        return (files[nearest[0]], nearest[0]) if nearest else None

    def _plainly(self, table: Table, key: str) -> str:
        if (table, key) not in self._plain:
            self._plain[table, key] = _plain(table.file_name(key), table.file_grain)
        return self._plain[table, key]


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
        file = name if name and "*" not in name else "the file"
        return f"is an upload that has not gone on for an hour: deliver {file} again, and remove this part"
    if entry.problem:
        kind, _, _ = entry.problem.partition(":")
        instead = "put the files in it" if "folder" in kind else "deliver a file"
        return f"{kind}, and belongs to no table: {instead} into {workspace.landing.store} itself, and remove it"
    if entry.name == name and not is_file_name(name):
        return f"belongs to no table: the name of a file has only {NAMES}; rename it"
    return _why_misnamed(workspace, listing, entry.name, table, name)


def _why_misnamed(workspace: Workspace, listing: Listing, given: str, table: Table | None, name: str) -> str:
    folder = workspace.landing.store
    if table is None:
        return f"belongs to no table: rename it as a table's file is named, or remove it from {folder}"
    if not name:
        example = table.file_name(workspace.first_partition(table))
        return f"belongs to no {table.grain} of {table.at}: write the {table.grain} as in {example}"
    if table.is_dated and table.is_named(given):
        return _of_no_partition(workspace, listing, given, table)
    outside = _outside(workspace, table, name)
    if outside:
        return outside + ("" if given == name else f", and would have to have {_such_as(listing, name)}")
    if name in listing.readable:
        advice = "" if _broken(workspace) else f"; remove it from {folder}"
        return f"belongs to no table: {name}, which it is near to, lies there too{advice}"
    packed = [bool(_PACKED.search(each.casefold())) for each in (given, name)]
    verb = {(True, False): "unpack", (False, True): "pack"}.get((packed[0], packed[1]))
    if "*" in name:
        advice = f"{verb or 'rename'} it, with {_such_as(listing, name)}"
    else:
        advice = f"{verb} it as {name}" if verb else f"did you mean {name}? rename it"
    return f"belongs to no table: {advice}"


def _such_as(listing: Listing, pattern: str) -> str:
    """A name that is free, in words, where a pattern stands for many, or the one that it is."""
    if "*" not in pattern:
        return f"the name {pattern}"
    free = (name for name in (pattern.replace("*", str(n)) for n in count(1)) if name not in listing.found)
    return f"a name such as {next(free)}"


def _broken(workspace: Workspace) -> str:
    """The broken tables that may be made from a file, in words; empty where there is none."""
    found = [each for each in workspace.project.broken if not each.reads]
    raw = [each.at for each in found if not each.has_address or each.at.startswith("raw/")]
    return f"{' or '.join(raw)}, which is broken" if raw else ""


def _of_no_partition(workspace: Workspace, listing: Listing, name: str, table: Table) -> str:
    """Why no partition is made from a file whose rows are to tell theirs."""
    assert table.files is not None
    content = workspace.dated_files.learn(table, Delivery.of(listing.found[name]))
    if content.problem:
        return f"is of {table.at} and cannot be read: {content.problem}"
    if content.partitions:
        keys = workspace.calendar.in_words(content.partitions)
        lacks = f"; {content.astray:,} rows tell no {table.grain}, as {content.why}" if content.astray else ""
        return f"has rows of {table.at} for {keys}, which is not over yet: they are read after that{lacks}"
    return (
        f"is of {table.at}, and no row tells its {table.grain} in {table.files.dated}, as {content.why}: deliver it "
        "with such as lie in the calendar, or remove it"
    )


def _outside(workspace: Workspace, table: Table, name: str) -> str:
    """That the file's partition is none that the table can have by now; empty where it is one."""
    calendar, keys = workspace.calendar, table.keys_of_file(name)
    if not keys or table.file_grain is None:
        return ""
    key = next(filter(calendar.is_key, keys), keys[-1])
    told = f"is of {table.at} for {key}"
    if not calendar.has(key):
        is_before = calendar.span(key).start < calendar.bounds.start
        setting = f"TAXIWAY_FIRST={key}" if is_before else f"TAXIWAY_END={calendar.following(key)}"
        return f"{told}, outside the calendar of this deployment ({calendar}): set {setting}, or remove it"
    return f"{told}, which is not over yet: it is read after that" if workspace.now < calendar.span(key).end else ""


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


def _plain(name: str, grain: Grain | None) -> str:
    """The name without what is easily written in another way: case, separators, a packer's ending, `(1)` of a copy."""
    shape = _shape(name)
    return _OTHER.sub("", _ALMOST[grain].sub(_written, shape) if grain is not None else shape)


def _bare(name: str, grain: Grain | None) -> str:
    """The same without the partition."""
    shape = _shape(name)
    return _OTHER.sub("", _ALMOST[grain].sub("", shape) if grain is not None else shape)


def _key_in(calendar: Calendar, name: str, grain: Grain | None) -> str | None:
    """The key that a name tells, None where there is none."""
    found = _ALMOST[grain].search(_shape(name)) if grain is not None else None
    key = _written(found) if found is not None else ""
    return key if calendar.is_key(key) else None


def _written(found: re.Match[str]) -> str:
    """What is nearly a key as it ought to be written."""
    told = {name: value for name, value in found.groupdict().items() if value is not None}
    if "week" in told:
        return f"{told['year']}-W{int(told['week']):02d}"
    date = "-".join([told["year"], *(f"{int(told[name]):02d}" for name in ("month", "day") if name in told)])
    return date + (f"T{int(told['hour']):02d}{told.get('offset', '')}" if "hour" in told else "")
