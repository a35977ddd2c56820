"""The landing zone: where publishers deliver files, what they look like, and the reader that gives their records.

Knows files and bytes, nothing of tables, contracts or partitions. Typing a text is the guard's work.
"""

from taxiway.landing.doubts import doubtful_texts
from taxiway.landing.formats import CSV, Field, Files, JSONLines, Parquet
from taxiway.landing.read import read_file
from taxiway.landing.records import DeliveredFile
from taxiway.landing.zone import Delivery, Entry, LandingZone, Listing

__all__ = [
    "CSV",
    "DeliveredFile",
    "Delivery",
    "Entry",
    "Field",
    "Files",
    "JSONLines",
    "LandingZone",
    "Listing",
    "Parquet",
    "doubtful_texts",
    "read_file",
]
