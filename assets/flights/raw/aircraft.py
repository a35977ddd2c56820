"""raw/aircraft: the aircraft by tail number, as delivered, typed."""

import ibis.expr.types as ir

from taxiway import contracts
from taxiway.contracts import Contract, Int16, Int64, Text, column
from taxiway.landing import CSV
from taxiway.tables import Table
from taxiway.transforms import transform


class RawAircraft(Contract):
    """An aircraft as registered."""

    tailnum: Text = column("Tail number", str_length={"min_value": 2, "max_value": 8})
    year: Int16 = column("Year built", nullable=True, ge=1920, le=2100)
    type: Text = column("Kind of aircraft", nullable=True)
    manufacturer: Text = column("Manufacturer", nullable=True)
    model: Text = column("Model", nullable=True)
    engines: Int16 = column("Engines", unit="engines", nullable=True, ge=0, le=12)
    seats: Int16 = column("Seats", unit="seats", nullable=True, ge=1, le=1000)
    speed: Int16 = column("Cruising speed", unit="mph", nullable=True, ge=1, le=1500)
    engine: Text = column("Kind of engine", nullable=True)
    source_file: Text = column("The delivered file")
    source_row: Int64 = column("The record's number in the file, from 1", ge=1)

    class Config:
        unique = ["tailnum"]
        metadata = contracts.table(tolerance=0.01)


@transform
def aircraft(landing_aircraft: ir.Table) -> ir.Table:
    return landing_aircraft


table = Table("raw/aircraft", contract=RawAircraft, transform=aircraft, files=CSV("aircraft.csv"))
