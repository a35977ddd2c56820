"""Which files of the landing zone are of which partitions of which raw table, by their names or by their rows."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from taxiway.calendar import Calendar
from taxiway.lake import WHOLE
from taxiway.landing import is_file_name
from taxiway.tables import Table

DatedPartitions = Callable[[Table, str], Collection[str] | None]
"""The partitions that a file of that name, whose rows are dated, is for; None where nobody knows yet."""


class ExpectedFiles:
    """The raw tables, each with the partitions, that a file is for: one by the file's name, or those of its rows."""

    def __init__(self, tables: Mapping[Table, Collection[str]], calendar: Calendar, dated: DatedPartitions) -> None:
        """The tables, each with the partitions whose files are expected."""
        self._calendar = calendar
        self._partitions = {table: frozenset(keys) for table, keys in tables.items()}
        self._dated = dated

    @property
    def names(self) -> list[str]:
        """What the files are called, with `*` where there are several of a partition."""
        return [
            name
            for table, keys in self._partitions.items()
            for name in dict.fromkeys(table.file_name(key) for key in sorted(keys))
        ]

    def of(self, name: str) -> Sequence[tuple[Table, str]]:
        """The tables and partitions that a file of that name is for; none for one that nothing is made from."""
        found: list[tuple[Table, str]] = []
        if not is_file_name(name):
            return found
        for table, keys in self._partitions.items():
            if table.is_dated:
                own = self._dated(table, name) if table.is_named(name) else None
                found += [(table, key) for key in sorted(own or ()) if key in keys]
            else:
                # The longest key that there is: of an hour that is shown twice, the one whose offset the name tells.
                told = (key for key in table.keys_of_file(name) if key == WHOLE or self._calendar.is_key(key))
                key = next(told, None)
                found += [(table, key)] if key in keys else []
        return found

    def __contains__(self, name: str) -> bool:
        """Whether a table is made from a file of that name, or may be once its rows are known."""
        return bool(self.of(name)) or (
            is_file_name(name)
            and any(t.is_dated and t.is_named(name) and self._dated(t, name) is None for t in self._partitions)
        )

    def by_partition(self, names: Iterable[str]) -> dict[tuple[Table, str], list[str]]:
        """Of these files those of each partition, in the order of their names; partitions without any are left out."""
        found: dict[tuple[Table, str], list[str]] = {}
        for name in sorted(names):
            for each in self.of(name):
                found.setdefault(each, []).append(name)
        return found
