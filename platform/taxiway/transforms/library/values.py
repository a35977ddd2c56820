"""Names for the values of a table, for the reader: Ibis types all columns alike, so to a checker they are Any."""

from typing import Any

Value = Any
Boolean = Any
Whole = Any
Number = Any
Text = Any
Day = Any
Instant = Any
Clock = Any
