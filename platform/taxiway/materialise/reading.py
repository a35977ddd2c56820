"""Reading a delivered file for a table: its columns as the contract and the declaration of its files have them."""

from dataclasses import replace

import ibis

from taxiway.landing import DeliveredFile, doubtful_texts, read_file
from taxiway.tables import Table


def read_for(table: Table, name: str, data: bytes) -> DeliveredFile:
    """A file of that content as it is read for a table; raises DeliveryRefused where it cannot be."""
    assert table.files is not None
    columns = {column: ibis.dtype(dtype).to_pyarrow() for column, dtype in table.file_columns.items()}
    delivered = read_file(table.files, name, data, columns)
    texts = [column for column, dtype in table.file_columns.items() if dtype == "string"]
    doubts = doubtful_texts(name, delivered.table, texts, getattr(table.files, "fields", ()))
    return replace(delivered, warnings=(*delivered.warnings, *doubts))
