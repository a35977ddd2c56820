"""The landing zone: where publishers deliver files, what they look like, and the reader that gives their records.

Knows files and bytes, nothing of tables, contracts or partitions. Typing a text is the guard's work.
"""

from taxiway.landing.doubts import doubtful_texts
from taxiway.landing.formats import CSV, Field, Files, JSONLines, Parquet
from taxiway.landing.read import read_file
from taxiway.landing.records import DeliveredFile
from taxiway.landing.zone import NAMES, Delivery, Entry, LandingZone, Listing, is_file_name

__all__ = [
    "CSV",
    "NAMES",
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
    "is_file_name",
    "read_file",
]
