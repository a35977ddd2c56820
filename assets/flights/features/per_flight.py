"""What the contracts of all tables with one row per flight share."""

from taxiway import contracts
from taxiway.contracts import Contract, Text, column


class PerFlight(Contract):
    """A flight."""

    flight_id: Text = column("The flight, a key of feature/flights")
    month: Text = column("Month of the schedule in New York", str_matches=r"^\d{4}-\d{2}$")

    class Config:
        unique = ["flight_id"]
        metadata = contracts.table(partition="month")
