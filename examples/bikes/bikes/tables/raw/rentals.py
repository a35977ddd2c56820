"""raw/rentals: every rental, in the hour in which the bike came back, from one file a region."""

from typing import Annotated

import ibis.expr.types as ir
import pyarrow as pa

from taxiway import contracts
from taxiway.contracts import Arrow, Bool, Contract, Instant, Int64, Text, Volume, column, row_rule
from taxiway.landing import JSONLines
from taxiway.tables import Table
from taxiway.transforms import transform
from taxiway.transforms.library.clock import partition_of

from bikes.clock import CITY

Price = Annotated[Arrow, pa.decimal128(8, 2)]


class Rentals(Contract):
    """One rental."""

    rental_id: Text = column("The operator's number", str_matches="^[A-Z]{2}[0-9]{11}$", known_at="ended_at")
    region: Text = column("The part of the city", isin=["brooklyn", "manhattan"])
    station_id: Text = column("The station where the bike was taken")
    started_at: Instant = column("When it was taken")
    ended_at: Instant = column("When it was brought back; nothing is known of a rental before")
    is_member: Bool = column("Whether the rider has a yearly pass")
    price: Price = column("What the rider pays for it, beside a pass", unit="USD", ge=0)
    source_file: Text = column("The delivered file")
    source_row: Int64 = column("The record's number in it, from 1", ge=1)
    hour: Text = column("The hour that the file was delivered for")

    class Config:
        """One row for each rental; a quarter of an hour's rows may be rejected, and at night there may be none.

        The operator's number holds the hour.
        """

        unique = ["rental_id"]
        metadata = contracts.table(
            grain="hour", tolerance=0.25, volume=Volume(allow_empty=True), key_within_partition=True
        )

    @row_rule("a bike is taken before it is brought back")
    def in_order(t: ir.Table) -> ir.BooleanValue:
        """True where it is."""
        return t.started_at < t.ended_at

    @row_rule("a rental ends in the hour of its file")
    def in_its_hour(t: ir.Table) -> ir.BooleanValue:
        """True where it does, by the clock of the city."""
        return partition_of(t.ended_at, "hour", CITY) == t.hour


@transform
def rentals(landing_rentals: ir.Table) -> ir.Table:
    """As delivered, with the hour of the file."""
    return landing_rentals.mutate(hour=landing_rentals["_partition"])


table = Table("raw/rentals", contract=Rentals, transform=rentals, files=JSONLines("rentals-{hour}-*.jsonl.gz"))
