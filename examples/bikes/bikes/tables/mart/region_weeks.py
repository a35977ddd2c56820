"""mart/region_weeks: the contract of what `dbt/models/region_weeks.sql` makes."""

from typing import Annotated

import pyarrow as pa

from taxiway.contracts import Arrow, Contract, Float64, Int64, Text, column
from taxiway.tables import Table

# What SQL gives as the sum of decimals.
Total = Annotated[Arrow, pa.decimal128(38, 2)]


class RegionWeeks(Contract):
    """One part of the city in one week."""

    region: Text = column("The part of the city")
    week: Text = column("The week")
    stations: Int64 = column("Its stations", unit="stations", ge=1)
    rentals: Int64 = column("Rentals", unit="rentals", ge=0)
    revenue: Total = column("What they cost", unit="USD", ge=0)
    rentals_per_dock: Float64 = column("Rentals for each dock of its stations", ge=0)

    class Config:
        """One row for each part and week."""

        unique = ["region", "week"]


table = Table("mart/region_weeks", contract=RegionWeeks)
