"""The answer: what is only on one side, and what differs where both have it; as data and as text."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Side:
    """One of the two: its name, its rows, how many of them the other lacks, keys of such, columns the other lacks."""

    name: str
    rows: int
    only_here: int
    examples: Sequence[Mapping[str, Any]]
    columns: Sequence[str]


@dataclass(frozen=True)
class Difference:
    """A column that both have. Counts are of the rows that both have.

    `differ` are values that are not the same to the bit, `within` those of them that the tolerance lets pass;
    `null_given` and `null_table` are nulls against a value. Sizes are of numbers and, in seconds, of instants: the
    greatest and the median of |given - table|, and the greatest of that divided by the larger of the two.
    `comparable` is false where the types have no values in common, such as texts and numbers.
    """

    column: str
    given_type: str
    table_type: str
    comparable: bool
    differ: int = 0
    within: int = 0
    null_given: int = 0
    null_table: int = 0
    max_absolute: float | None = None
    max_relative: float | None = None
    median_absolute: float | None = None
    examples: Sequence[Mapping[str, Any]] = ()

    @property
    def retyped(self) -> bool:
        """Whether the sides have different types."""
        return self.given_type != self.table_type


@dataclass(frozen=True)
class Comparison:
    """How what was given and a table compare, row by row of the same key.

    `columns` holds every column that both have, the key included. `within` is the tolerance that was asked for.
    """

    given: Side
    table: Side
    key: Sequence[str]
    common_rows: int
    columns: Sequence[Difference]
    within: float | None = None

    @property
    def equal(self) -> bool:
        """Whether rows, columns and values are the same, up to the tolerance where one was asked for."""
        same_rows = not self.given.only_here and not self.table.only_here
        same_columns = not self.given.columns and not self.table.columns
        return same_rows and same_columns and all(c.comparable and c.differ == c.within for c in self.columns)

    @property
    def to_the_bit(self) -> bool:
        """Whether they are the same in every type and every bit."""
        return self.equal and not any(c.retyped or c.differ for c in self.columns)

    @property
    def message(self) -> str:
        """The outcome in one line."""
        sides = f"{self.given.name} and {self.table.name}"
        if not self.equal:
            return f"{sides} differ"
        size = f"{self.common_rows:,} rows, {len(self.columns)} columns"
        if self.to_the_bit:
            return f"{sides} are equal to the bit: {size}"
        if any(column.differ for column in self.columns):
            return f"{sides} are equal within {self.within:g}: {size}"
        return f"{sides} are equal in value, not in type: {size}"

    def as_dict(self) -> dict[str, Any]:
        """Everything, for machines."""
        return {"equal": self.equal, "to_the_bit": self.to_the_bit} | asdict(self)

    def __repr__(self) -> str:
        """The outcome and what it rests on."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield self.message
        if self.within is not None:
            yield (f"floats count as equal where they differ by at most that share of the larger: {self.within:g}")
        if not self.equal:
            rows = f"{self.given.rows:,} and {self.table.rows:,} rows"
            yield f"{rows}, {self.common_rows:,} with the same {', '.join(self.key)}"
        for side in (self.given, self.table):
            if side.only_here:
                examples = "; ".join(_pairs(key) for key in side.examples)
                yield f"only in {side.name}: {side.only_here:,} rows, e.g. {examples}"
            if side.columns:
                yield f"columns only in {side.name}: {', '.join(side.columns)}"
        for column in self.columns:
            yield from self._told(column)

    def _told(self, column: Difference) -> Iterator[str]:
        if column.retyped:
            compared = "" if column.comparable else "; they cannot be compared"
            yield f"{column.column}: {column.given_type} against {column.table_type}{compared}"
        if not column.differ:
            return
        found = [f"{column.differ:,} of {self.common_rows:,} values differ"]
        if column.within:
            found.append(f"{column.within:,} of them within {self.within:g}")
        if column.null_given:
            found.append(f"{column.null_given:,} null in {self.given.name} only")
        if column.null_table:
            found.append(f"{column.null_table:,} null in {self.table.name} only")
        if column.max_absolute is not None:
            sizes = f"at most by {column.max_absolute:.3g}, half of them by at most {column.median_absolute:.3g}"
            relative = f", relative {column.max_relative:.3g}" if column.max_relative is not None else ""
            found.append(f"{sizes}{relative}")
        yield f"{column.column}: {'; '.join(found)}"
        for example in column.examples:
            key = _pairs({name: example[name] for name in self.key})
            yield f"    {key}: {_shown(example['given'])} against {_shown(example['table'])}"


def _pairs(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={_shown(value)}" for name, value in row.items())


def _shown(value: Any) -> str:
    return "null" if value is None else str(value).replace("\n", "\\n")
