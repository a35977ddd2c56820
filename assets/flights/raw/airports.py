"""raw/airports: the airports, with their time zones, as delivered, typed."""

import ibis.expr.types as ir

from taxiway import contracts
from taxiway.contracts import Contract, Float64, Int32, Int64, Text, column, row_rule
from taxiway.landing import CSV, Field
from taxiway.tables import Table
from taxiway.transforms import transform
from taxiway.transforms.library.clock import is_zone


class RawAirports(Contract):
    """An airport and where it lies."""

    faa: Text = column("Code of the airport", str_matches=r"^[0-9A-Z]{3}$")
    name: Text = column("Name of the airport", nullable=True)
    lat: Float64 = column("Latitude, north positive", unit="degrees", ge=-90, le=90)
    lon: Float64 = column("Longitude, east positive", unit="degrees", ge=-180, le=180)
    alt: Int32 = column("Altitude", unit="ft", nullable=True, ge=-1500, le=20000)
    tz: Float64 = column("Offset of the clock from UTC without summer time", unit="h", nullable=True, ge=-12, le=14)
    dst: Text = column("Kind of summer time: A as in the US, N none, U unknown", nullable=True, isin=["A", "N", "U"])
    tzone: Text = column("Time zone of the airport's clock")
    source_file: Text = column("The delivered file")
    source_row: Int64 = column("The record's number in the file, from 1", ge=1)

    class Config:
        unique = ["faa"]
        metadata = contracts.table(tolerance=0.01)

    @row_rule("tzone must be the name of a time zone, such as America/New_York")
    def tzone_is_a_zone(t: ir.Table) -> ir.Value:
        return is_zone(t.tzone)


@transform
def airports(landing_airports: ir.Table) -> ir.Table:
    return landing_airports


# NUL is the code of Nulato, in Alaska.
table = Table(
    "raw/airports",
    contract=RawAirports,
    transform=airports,
    files=CSV("airports.csv", fields={"faa": Field(null=("",))}),
)
