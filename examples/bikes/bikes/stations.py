"""Where the city keeps its list of stations, a folder of Parquet files that this project reads and never writes."""

from pathlib import Path

# In production a connection names the place: External("stations", format="parquet", connection="city").
FOLDER = Path(__file__).parent / "data" / "stations"
