"""raw/stations: the city's list of stations, which it writes itself and is checked here before anything reads it."""

from taxiway import contracts
from taxiway.connectors import External
from taxiway.contracts import Contract, Date, Int32, Text, column
from taxiway.tables import Table

from bikes.stations import FOLDER


class Stations(Contract):
    """One station."""

    station_id: Text = column("The city's number of the station", str_matches="^[0-9]{3}$")
    name: Text = column("The corner at which it stands")
    region: Text = column("The part of the city", isin=["brooklyn", "manhattan"])
    docks: Int32 = column("How many bikes it holds", unit="docks", ge=1)
    opened_on: Date = column("The day on which it opened")

    class Config:
        """One row for each station."""

        unique = ["station_id"]
        metadata = contracts.table()


table = Table("raw/stations", contract=Stations, external=External(str(FOLDER), format="parquet"))
