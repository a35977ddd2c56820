"""The types that a contract's columns may have: pandas annotations with exactly one Arrow type each."""

from typing import Annotated, Any

import ibis.expr.datatypes as dt
import pandas as pd
import pyarrow as pa

Bool = Annotated[pd.ArrowDtype, pa.bool_()]
Int16 = Annotated[pd.ArrowDtype, pa.int16()]
Int32 = Annotated[pd.ArrowDtype, pa.int32()]
Int64 = Annotated[pd.ArrowDtype, pa.int64()]
Float64 = Annotated[pd.ArrowDtype, pa.float64()]
Text = Annotated[pd.ArrowDtype, pa.string()]
Date = Annotated[pd.ArrowDtype, pa.date32()]
Instant = Annotated[pd.ArrowDtype, pa.timestamp("us", "UTC")]
TextList = Annotated[pd.ArrowDtype, pa.list_(pa.string())]
FloatList = Annotated[pd.ArrowDtype, pa.list_(pa.float64())]

_IBIS: dict[pa.DataType, Any] = {
    pa.bool_(): dt.boolean,
    pa.int16(): dt.int16,
    pa.int32(): dt.int32,
    pa.int64(): dt.int64,
    pa.float64(): dt.float64,
    pa.string(): dt.string,
    pa.date32(): dt.date,
    pa.timestamp("us", "UTC"): dt.Timestamp(timezone="UTC", scale=6),
}


def ibis_type(arrow: pa.DataType) -> Any:
    """The Ibis type that holds the same values; None for a type that no column of a contract has."""
    if pa.types.is_list(arrow):
        item = ibis_type(arrow.value_type)
        return None if item is None else dt.Array(value_type=item)
    return _IBIS.get(arrow)
