"""What the contracts of all tables with one row per flight share."""

from functools import partial

from taxiway import contracts
from taxiway.contracts import Contract, Text, column

feature = partial(column, known_at="feature/flights.decision_at")
"""A column that is computed from what is known when the flight is decided, and so is known from then."""


class PerFlight(Contract):
    """A flight."""

    flight_id: Text = column("The flight, a key of feature/flights")
    month: Text = column("Month of the schedule in New York", str_matches=r"^\d{4}-\d{2}$")

    class Config:
        unique = ["flight_id"]
        metadata = contracts.table(grain="month", key_within_partition=True)
