"""Whether two relations hold the same rows, each as often: the one question that needs no key, on either engine.

Publishing asks it of what was staged and what is published. Where and by how much rows of one key differ is the
business of `taxiway.comparison`. The two agree on what is the same: null and null, NaN and NaN, not 0.0 and -0.0.
"""

from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

SURPLUS = "_surplus"
"""The column that says how many times more often the first relation has a row than the second, or fewer, below 0."""


def unequal_rows(one: ir.Table, other: ir.Table) -> ir.Table:
    """The rows that one of two relations of the same columns has more often than the other, with `SURPLUS`."""
    # Equal rows on either side cancel out: one aggregate, where EXCEPT ALL both ways numbers the rows four times.
    both = one.mutate(_side=ibis.literal(1)).union(other.mutate(_side=ibis.literal(-1)), distinct=False)
    side: Any = both["_side"]
    # To group by floats does not see the sign of zero.
    signs = {f"_sign_{name}": _sign(both[name]) for name in one.columns if _has_floats(both[name].type())}
    counted = both.mutate(**signs).group_by([*one.columns, *signs]).aggregate(**{SURPLUS: side.sum()})
    return counted.filter(counted[SURPLUS] != 0).drop(*signs)


def _sign(value: Any) -> Any:
    """What tells 0.0 from -0.0, as texts do: of a float whether it is the latter, of what holds floats all of it."""
    text = value.cast("string")
    # Only zeros are written as text: to write every number would take longer than to compare them all.
    return ibis.ifelse(value == 0, text.startswith("-"), False) if value.type().is_floating() else text


def _has_floats(dtype: Any) -> bool:
    """Whether a type is that of floats, or of what holds some."""
    if isinstance(dtype, dt.Array):
        return _has_floats(dtype.value_type)
    if isinstance(dtype, dt.Struct):
        return any(_has_floats(part) for part in dtype.fields.values())
    return dtype.is_floating()
