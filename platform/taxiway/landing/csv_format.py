"""How the fields of a delivered CSV file are to be understood: what is trimmed, what stands for a missing value.

Without a declaration a text is taken as it is; what looks as if it were meant otherwise is told, as a warning.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute

from taxiway.errors import DefinitionError

_LIKE_MISSING = pa.array(
    "na n/a #n/a #na <na> nan null (null) <null> none nil nul missing \\n - -- --- ? .".split()  # noqa: SIM905
)
_SHOWN = 3
# Its functions are made when it is imported, where no type checker sees them.
pc: Any = pyarrow.compute


@dataclass(frozen=True)
class Field:
    """How a column differs from the rest of its file, each None being as there.

    `null` are the texts that stand for a missing value, `()` for none; `trim` takes blanks from both ends first, so
    also from a number; `quoted_is_value` says that such a text in quotes is a value.
    """

    null: tuple[str, ...] | None = None
    trim: bool | None = None
    quoted_is_value: bool | None = None


@dataclass(frozen=True)
class CsvFormat:
    """How the fields of a file are understood, and by column what differs.

    `unfinished` says what becomes of a file whose last line has no end, and which may therefore be cut: it is read,
    with a warning, or refused. Raises DefinitionError for what is no such thing.
    """

    null: tuple[str, ...] = ("NA", "")
    trim: bool = False
    quoted_is_value: bool = False
    fields: Mapping[str, Field] = field(default_factory=lambda: MappingProxyType({}))
    unfinished: Literal["warn", "refuse"] = "warn"

    def __post_init__(self) -> None:
        for where, null in [("null", self.null), *((name, own.null) for name, own in self.fields.items())]:
            if null is not None and not (isinstance(null, tuple) and all(isinstance(text, str) for text in null)):
                raise DefinitionError(f"CsvFormat: {where}: {null!r} is no tuple of texts: write null=('NA', '')")
        if self.unfinished not in ("warn", "refuse"):
            raise DefinitionError(f"CsvFormat: unfinished is 'warn' or 'refuse', not {self.unfinished!r}")

    def of(self, column: str) -> Field:
        """How a column is understood, nothing left open."""
        own = self.fields.get(column, Field())
        return Field(
            self.null if own.null is None else own.null,
            self.trim if own.trim is None else own.trim,
            self.quoted_is_value if own.quoted_is_value is None else own.quoted_is_value,
        )


def doubtful_texts(name: str, rows: pa.Table, columns: Iterable[str], form: CsvFormat) -> Iterator[str]:
    """A warning for each of these text columns that has padded values or words for a missing one, as they are
    published as texts; not for a column whose field is declared."""
    for column in columns:
        if column in form.fields:
            continue
        values = rows[column].unique()
        trimmed = pc.utf8_trim_whitespace(values)
        padded = pc.fill_null(pc.not_equal(values, trimmed), fill_value=False)
        like_missing = pc.is_in(pc.utf8_lower(trimmed), _LIKE_MISSING)
        told = [
            _told(rows[column], values.filter(padded), "padded with blanks"),
            _told(rows[column], values.filter(like_missing), "a word for a missing value"),
        ]
        found = " and ".join(filter(None, told))
        if found:
            yield f"{name}: {column} has {found}: say what they are in CsvFormat(fields={{'{column}': Field(...)}})"


def _told(column: pa.ChunkedArray, texts: pa.Array, what: str) -> str:
    if not len(texts):
        return ""
    number = pc.sum(pc.is_in(column, texts)).as_py()
    shown = ", ".join(repr(text.as_py()[:40]) for text in texts[:_SHOWN])
    more = ", ..." if len(texts) > _SHOWN else ""
    return f"{number:,} {'value' if number == 1 else 'values'} {what} ({shown}{more})"
