"""The one reader of delivered files: every record is accounted for, or the file is refused."""

import hashlib
from collections.abc import Mapping

import pyarrow as pa

from taxiway.landing.csv_reader import read_csv
from taxiway.landing.formats import CSV, Files, JSONLines
from taxiway.landing.json_reader import read_json_lines
from taxiway.landing.packed import unpacked
from taxiway.landing.parquet_reader import read_parquet
from taxiway.landing.records import DeliveredFile


def read_file(files: Files, name: str, data: bytes, columns: Mapping[str, pa.DataType]) -> DeliveredFile:
    """The records of one of these files, with these columns: text where `files` leaves values as texts, or typed.

    Columns that are not asked for are left out, with a warning. Raises DeliveryRefused, naming the file and what to do,
    where it is no such file, is cut, has no rows, lacks a column, or has one twice.
    """
    content = unpacked(name, data, files.packed)
    if isinstance(files, CSV):
        records = read_csv(name, content, list(columns), files)
    elif isinstance(files, JSONLines):
        records = read_json_lines(name, content, columns, files)
    else:
        records = read_parquet(name, content, columns)
    return records.of_file(name, hashlib.sha256(data).hexdigest())
