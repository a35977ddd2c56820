"""raw/airlines: the airlines by code, as delivered."""

import ibis.expr.types as ir

from taxiway import contracts
from taxiway.contracts import Contract, Int64, Text, column
from taxiway.landing import CSV, Field
from taxiway.tables import Table
from taxiway.transforms import transform


class RawAirlines(Contract):
    """An airline."""

    carrier: Text = column("Code of the airline", str_matches=r"^[0-9A-Z]{2}$")
    name: Text = column("Name of the airline")
    source_file: Text = column("The delivered file")
    source_row: Int64 = column("The record's number in the file, from 1", ge=1)

    class Config:
        unique = ["carrier"]
        metadata = contracts.table(tolerance=0.01)


@transform
def airlines(landing_airlines: ir.Table) -> ir.Table:
    return landing_airlines


table = Table(
    "raw/airlines",
    contract=RawAirlines,
    transform=airlines,
    files=CSV("airlines.csv", fields={"carrier": Field(null=())}),
)
