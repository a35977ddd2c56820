"""The records of a delivered file, whatever its format, and what every reader adds to them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa


@dataclass(frozen=True)
class DeliveredFile:
    """What a file holds: its name, the SHA-256 of its bytes, its records, what was odd about the file as a whole.

    The columns of `table` are the expected ones, as text or typed, as the declaration of the files says (null where
    missing), then `source_file`; `source_row` (1 is the first record; blank lines do not count); `_problems` (list of
    text, empty where the record could be read); `_delivered` (the record's own text, null where it is that of its
    columns; Parquet has none). `malformed` counts the records that are no records.
    """

    name: str
    digest: str
    table: pa.Table
    warnings: tuple[str, ...]
    malformed: int


@dataclass(frozen=True)
class Records:
    """The expected columns of a file's records, in order, with what is wrong in each, and what `DeliveredFile` says."""

    columns: pa.Table
    problems: Sequence[Sequence[str]]
    delivered: Sequence[str | None] | None = None
    warnings: tuple[str, ...] = ()
    malformed: int = 0

    def of_file(self, name: str, digest: str) -> DeliveredFile:
        """The records of a file of that name and digest."""
        rows = len(self.problems)
        table = (
            self.columns.append_column("source_file", pa.repeat(pa.scalar(name), rows))
            .append_column("source_row", pa.array(np.arange(1, rows + 1, dtype=np.int64)))
            .append_column("_problems", pa.array(self.problems, pa.list_(pa.string())))
        )
        if self.delivered is not None:
            table = table.append_column("_delivered", pa.array(self.delivered, pa.string()))
        return DeliveredFile(name, digest, table, self.warnings, self.malformed)
