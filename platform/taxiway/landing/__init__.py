"""The landing zone: where publishers deliver files, and the one reader that turns a file into rows of text.

Knows files and bytes, nothing of tables, contracts or partitions. Typing the text is the guard's work.
"""

from taxiway.landing.csv_format import CsvFormat, Field, doubtful_texts
from taxiway.landing.csv_reader import DeliveredFile, read_csv
from taxiway.landing.zone import Delivery, Entry, LandingZone, Listing

__all__ = [
    "CsvFormat",
    "DeliveredFile",
    "Delivery",
    "Entry",
    "Field",
    "LandingZone",
    "Listing",
    "doubtful_texts",
    "read_csv",
]
