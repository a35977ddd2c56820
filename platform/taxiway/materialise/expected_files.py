"""Which files of the landing zone are of which partition of which raw table, by their names."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from taxiway.tables import Table


class ExpectedFiles:
    """The raw tables, each with the partition, that a file is for, by the file's name."""

    def __init__(self, tables: Mapping[Table, Collection[str]]) -> None:
        """The tables, each with the partitions whose files are expected."""
        self._partitions = {table: frozenset(keys) for table, keys in tables.items()}

    @property
    def names(self) -> list[str]:
        """What the files are called, with `*` where there are several of a partition."""
        return [table.file_name(key) for table, keys in self._partitions.items() for key in sorted(keys)]

    def of(self, name: str) -> Sequence[tuple[Table, str]]:
        """The tables and partitions that a file of that name is for; none for one that nothing is made from."""
        # The longest key first: of hours that are shown twice, the one whose offset the name tells.
        found = {
            table: [key for key in table.keys_of_file(name) if key in keys] for table, keys in self._partitions.items()
        }
        return [(table, keys[0]) for table, keys in found.items() if keys]

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
