"""How the values of a column are compared, in SQL: two types, and what of them is the same."""

import re
from dataclasses import dataclass

from taxiway.engines.duckdb import identifier

_WHOLE = re.compile(r"U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$")
_KINDS = (
    ("whole", _WHOLE),
    ("float", re.compile(r"(FLOAT|DOUBLE)$")),
    ("decimal", re.compile(r"DECIMAL(\(\d+,\d+\))?$")),
    ("text", re.compile(r"(VARCHAR|ENUM\(.*\))$")),
    ("instant", re.compile(r"(TIMESTAMP[^\[]*|DATE)$")),
    ("none", re.compile(r'"?NULL"?$')),
)
_NUMBERS = {"whole", "float", "decimal"}

GIVEN, TABLE = "g", "t"
"""The relations of the two sides."""


@dataclass(frozen=True)
class Compared:
    """A column of both sides with the DuckDB types that it has there."""

    name: str
    given_type: str
    table_type: str

    @property
    def kinds(self) -> tuple[str, str]:
        """What kind of values each side has."""
        return kind(self.given_type), kind(self.table_type)

    @property
    def comparable(self) -> bool:
        """Whether the two types have values in common."""
        given, table = self.kinds
        return given == table or "none" in (given, table) or {given, table} <= _NUMBERS

    @property
    def numeric(self) -> bool:
        """Whether a difference has a size that is a number."""
        return set(self.kinds) <= _NUMBERS

    @property
    def measured(self) -> bool:
        """Whether a difference has a size."""
        return self.numeric or self.kinds == ("instant", "instant")

    def key(self, side: str) -> str:
        """The value of a key, by which rows of the two sides are matched."""
        value, kinds = f"{side}.{identifier(self.name)}", set(self.kinds)
        if kinds == {"instant"}:
            return nanoseconds(value, self.given_type if side == GIVEN else self.table_type)
        if kinds == {"text"}:
            return f"{value}::VARCHAR"
        if kinds == {"whole"}:
            return f"{value}::HUGEINT"
        if kinds == {"float"}:
            return f"{value}::DOUBLE"
        return _digits(value, self.given_type if side == GIVEN else self.table_type) if kinds <= _NUMBERS else value

    def same(self, given: str, table: str) -> str:
        """Whether two values are the same to the bit; null is the same as null."""
        kinds = self.kinds
        if "float" in kinds and "whole" in kinds:
            number, whole = (given, table) if kinds[0] == "float" else (table, given)
            equal = f"({number} = trunc({number}) AND TRY_CAST({number} AS HUGEINT) = {whole})"
        elif set(kinds) == {"float"}:
            equal = f"({given} = {table} AND ({given} <> 0 OR signbit({given}) = signbit({table})))"
        elif "float" in kinds and "decimal" in kinds:
            number, decimal = (given, table) if kinds[0] == "float" else (table, given)
            scale = (self.given_type if kinds[0] == "decimal" else self.table_type).rpartition(",")[2].rstrip(")")
            # A cast rounds to what the other holds: the same is what neither way changes.
            near = f"{decimal}::VARCHAR::DOUBLE = {number}::DOUBLE"
            equal = f"({near} AND TRY_CAST({number}::DOUBLE::VARCHAR AS DECIMAL(38, {scale})) = {decimal})"
        elif "decimal" in kinds and set(kinds) <= _NUMBERS:
            equal = f"({_digits(given, self.given_type)} = {_digits(table, self.table_type)})"
        elif set(kinds) == {"instant"}:
            equal = f"({nanoseconds(given, self.given_type)} = {nanoseconds(table, self.table_type)})"
        elif set(kinds) == {"text"}:
            equal = f"({given}::VARCHAR = {table}::VARCHAR)"
        elif "none" in kinds:
            equal = "false"
        elif re.search(r"FLOAT|DOUBLE", self.table_type):
            # Of floats in lists, = does not see the sign of zero.
            equal = f"({given} = {table} AND {given}::VARCHAR = {table}::VARCHAR)"
        else:
            equal = f"({given} = {table})"
        return f"coalesce({equal}, {given} IS NULL AND {table} IS NULL)"

    def size(self, given: str, table: str) -> str:
        """How far two values are apart, null where one is null or infinite; of instants in seconds."""
        if not self.numeric:
            return f"abs({nanoseconds(given, self.given_type)} - {nanoseconds(table, self.table_type)}) / 1e9"
        if set(self.kinds) == {"whole"}:
            return f"abs({given}::HUGEINT - {table}::HUGEINT)::DOUBLE"
        apart = f"abs({given}::DOUBLE - {table}::DOUBLE)"
        return f"CASE WHEN isfinite({apart}) THEN {apart} END"

    def passes(self, given: str, table: str, within: float | None) -> str:
        """Whether two values that differ do so within the tolerance."""
        if within is None or not self.numeric or "float" not in self.kinds:
            return "false"
        return f"coalesce(near({given}::DOUBLE, {table}::DOUBLE, {within!r}::DOUBLE), false)"

    def larger(self, given: str, table: str) -> str:
        """The larger of two numbers' magnitudes."""
        return f"greatest(abs({given}::DOUBLE), abs({table}::DOUBLE))"


def kind(duckdb_type: str) -> str:
    """The kind of values that a type of DuckDB has; a type of its own where it is none of those that mix."""
    return next((name for name, pattern in _KINDS if pattern.match(duckdb_type)), duckdb_type)


def _digits(value: str, duckdb_type: str) -> str:
    """A number as a text that equal numbers of other types have too."""
    of_kind = kind(duckdb_type)
    if of_kind == "float":
        is_whole = f"{value} = trunc({value}) AND abs({value}) < 1e38"
        return f"CASE WHEN {is_whole} THEN {value}::HUGEINT::VARCHAR ELSE {value}::DOUBLE::VARCHAR END"
    if of_kind == "decimal" and not duckdb_type.endswith(",0)"):
        return f"rtrim(rtrim({value}::VARCHAR, '0'), '.')"
    return f"{value}::VARCHAR"


def nanoseconds(value: str, duckdb_type: str) -> str:
    """An instant as a number, of any year; one without a zone is UTC."""
    return f"epoch_ns({value})::HUGEINT" if duckdb_type == "TIMESTAMP_NS" else f"epoch_us({value})::HUGEINT * 1000"
