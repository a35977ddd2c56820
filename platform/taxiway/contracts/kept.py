"""Rejected rows as quarantine keeps them. Their text is written here, as each engine writes numbers and times its own
way."""

import base64
import json
import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa


def kept_schema(partition: str | None) -> pa.Schema:
    """The columns of a quarantine: the table's partition column, where it has one, and of a row why, what, whence."""
    columns = [
        pa.field("reasons", pa.list_(pa.string())),
        pa.field("delivered", pa.string()),
        pa.field("source_file", pa.string()),
        pa.field("source_row", pa.int64()),
    ]
    return pa.schema([*([pa.field(partition, pa.string())] if partition else []), *columns])


def as_kept(rows: pa.Table) -> pa.Table:
    """What `rejected` found, with `delivered` as text: of values a JSON object, by column.

    Instants and days are written as ISO 8601 writes them but for a blank before the time, numbers that JSON does not
    have, and decimals, as texts, bytes in base64.
    """
    own = kept_schema(None).names
    schema = kept_schema(next((name for name in rows.column_names if name not in own), None))
    values = rows["delivered"].combine_chunks()
    if not pa.types.is_struct(values.type):
        return rows.select(schema.names).cast(schema)
    columns = {field.name: _told(values.field(place)) for place, field in enumerate(values.type)}
    texts = [
        json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False, separators=(",", ":"))
        for row in zip(*columns.values(), strict=True)
    ]
    others = rows.drop_columns("delivered")
    return others.append_column("delivered", pa.array(texts, pa.string())).select(schema.names).cast(schema)


def _told(values: pa.Array) -> list[Any]:
    """The values as JSON has them."""
    if pa.types.is_temporal(values.type):
        return values.cast(pa.string()).to_pylist()
    return [_of_json(value) for value in values.to_pylist()]


def _of_json(value: Any) -> Any:
    if isinstance(value, list):
        return [_of_json(item) for item in value]
    if isinstance(value, dict):
        return {name: _of_json(member) for name, member in value.items()}
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return _instant(value)
    if isinstance(value, date | Decimal) or (isinstance(value, float) and not math.isfinite(value)):
        return str(value)
    return value


def _instant(value: datetime) -> str:
    """As Arrow writes it."""
    return f"{value.astimezone(UTC).replace(tzinfo=None).isoformat(sep=' ', timespec='microseconds')}Z"
