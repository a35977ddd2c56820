"""Which files of the landing zone are of which partition of which raw table, by their names."""

import re
from collections.abc import Iterable, Mapping, Sequence

from taxiway.tables import Table

_ANY = r"[A-Za-z0-9._-]*"


class ExpectedFiles:
    """The raw tables, each with the partition, that a file is for, by the file's name."""

    def __init__(self, tables: Mapping[Table, Sequence[str]]) -> None:
        """What the files of these partitions of tables are called."""
        self.names = [table.file_name(key) for table, keys in tables.items() for key in keys]
        self._plain: dict[str, list[tuple[Table, str]]] = {}
        # By what stands before the first `*`, so that of many patterns few are tried on a name.
        self._patterns: dict[str, list[tuple[re.Pattern[str], Table, str]]] = {}
        for table, keys in tables.items():
            for key in keys:
                name = table.file_name(key)
                head, star, _ = name.partition("*")
                if star:
                    self._patterns.setdefault(head, []).append((_pattern(name), table, key))
                else:
                    self._plain.setdefault(name, []).append((table, key))

    def of(self, name: str) -> Sequence[tuple[Table, str]]:
        """The tables and partitions that a file of that name is for; none for one that nothing is made from."""
        found = list(self._plain.get(name, ()))
        for end in range(len(name) + 1) if self._patterns else ():
            patterns = self._patterns.get(name[:end], ())
            found += [(table, key) for pattern, table, key in patterns if pattern.fullmatch(name)]
        return found

    def __contains__(self, name: str) -> bool:
        """Whether a table is made from a file of that name."""
        return bool(self.of(name))

    def by_partition(self, names: Iterable[str]) -> dict[tuple[Table, str], list[str]]:
        """Of these files those of each partition, in the order of their names; partitions without any are left out."""
        found: dict[tuple[Table, str], list[str]] = {}
        for name in sorted(names):
            for each in self.of(name):
                found.setdefault(each, []).append(name)
        return found


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(_ANY.join(map(re.escape, name.split("*"))))
