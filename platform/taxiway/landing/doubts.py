"""What is told of texts that are published as they are, and look as if they were meant otherwise."""

from collections.abc import Container, Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute

_LIKE_MISSING = pa.array(
    "na n/a #n/a #na <na> nan null (null) <null> none nil nul missing \\n - -- --- ? .".split()  # noqa: SIM905
)
_SHOWN = 3
# Its functions are made when it is imported, where no type checker sees them.
pc: Any = pyarrow.compute


def doubtful_texts(name: str, rows: pa.Table, columns: Iterable[str], declared: Container[str]) -> Iterator[str]:
    """A warning for each of these text columns that has padded values or words for a missing one, as they are
    published as texts; not for a column whose field is declared."""
    for column in columns:
        if column in declared:
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
            yield f"{name}: {column} has {found}: say what they are, with fields={{'{column}': Field(...)}}"


def _told(column: pa.ChunkedArray, texts: pa.Array, what: str) -> str:
    if not len(texts):
        return ""
    number = pc.sum(pc.is_in(column, texts)).as_py()
    shown = ", ".join(repr(text.as_py()[:40]) for text in texts[:_SHOWN])
    more = ", ..." if len(texts) > _SHOWN else ""
    return f"{number:,} {'value' if number == 1 else 'values'} {what} ({shown}{more})"
