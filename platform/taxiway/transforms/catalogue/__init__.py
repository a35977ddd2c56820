"""The catalogue: which operators of Ibis give the same bits on every engine, and what to write in place of the others.

It is data, by subject: `tables`, `aggregates`, `conditions`, `numbers`, `text`, `moments`, `types`, `lists`. An entry
is an `operator`; `order` and `patterns` are conditions of some. Each entry has a test that runs it on every engine.
What has no entry is refused too. The walk that asks it is `taxiway.transforms.certificate`.
"""

from taxiway.transforms.catalogue.aggregates import AGGREGATES
from taxiway.transforms.catalogue.conditions import CONDITIONS
from taxiway.transforms.catalogue.lists import LISTS
from taxiway.transforms.catalogue.moments import MOMENTS
from taxiway.transforms.catalogue.numbers import NUMBERS
from taxiway.transforms.catalogue.operator import Keys, Operator
from taxiway.transforms.catalogue.tables import TABLES
from taxiway.transforms.catalogue.text import TEXT
from taxiway.transforms.catalogue.types import TYPES

SUBJECTS = {
    "Tables": TABLES,
    "Aggregates and windows": AGGREGATES,
    "Conditions": CONDITIONS,
    "Numbers": NUMBERS,
    "Text": TEXT,
    "Dates and times": MOMENTS,
    "Constants and types": TYPES,
    "Lists, records, functions": LISTS,
}
"""The entries by subject."""

CATALOGUE: tuple[Operator, ...] = tuple(operator for entries in SUBJECTS.values() for operator in entries)

__all__ = ["CATALOGUE", "SUBJECTS", "Keys", "Operator"]
