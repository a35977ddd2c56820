from datetime import UTC, datetime, timedelta
from fractions import Fraction

import ibis.expr.types as ir
import pyarrow as pa
import pytest
from tests.unit.transforms.moments import INSTANT

from taxiway.errors import EngineError
from taxiway.testing import run_transform
from taxiway.transforms import transform
from taxiway.transforms.library.arithmetic import exact_mean
from taxiway.transforms.library.clock import microseconds, minutes_between

LEAST, GREATEST = -(2**63), 2**63 - 1
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Sums of their microseconds, and differences of the first and the last, are beyond 2^53.
MOMENTS = [
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(1582, 10, 4, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    EPOCH,
    datetime(2013, 3, 10, 6, 59, 59, 999999, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 58, 59, 999999, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
]


@transform
def divided(rows: ir.Table) -> ir.Table:
    x, y = rows.x, rows.y
    return rows.select(
        floor=x // y, modulo=x % y, floor_3=x // 3, modulo_3=x % 3, floor_less_3=x // -3, modulo_less_3=x % -3
    )


@pytest.mark.parametrize("x", [2**53 + 1, GREATEST, LEAST, -7, 7, -1, 0, 1, -(2**53) - 1])
@pytest.mark.parametrize("y", [3, -3, 1, 2**53 + 1, GREATEST, LEAST])
def test_whole_quotients_and_remainders_are_those_of_python(x: int, y: int):
    rows = pa.table({"x": pa.array([x], pa.int64()), "y": pa.array([y], pa.int64())})
    assert run_transform(divided, {"rows": rows}).to_pylist() == [
        {
            "floor": x // y,
            "modulo": x % y,
            "floor_3": x // 3,
            "modulo_3": x % 3,
            "floor_less_3": x // -3,
            "modulo_less_3": x % -3,
        }
    ]


@pytest.mark.parametrize("width", [pa.int8(), pa.int16(), pa.int32(), pa.int64()])
def test_a_division_by_0_is_null_for_every_width(width: pa.DataType):
    @transform
    def by_nothing(rows: ir.Table) -> ir.Table:
        x, y = rows.x, rows.y
        return rows.select(floor=x // y, modulo=x % y, quotient=x / y, mean=exact_mean(x, y), constant=x // 0)

    rows = pa.table({"x": pa.array([7, 0, -1], width), "y": pa.array([0, 0, 0], width)})
    assert {value for row in run_transform(by_nothing, {"rows": rows}).to_pylist() for value in row.values()} == {None}


@pytest.mark.parametrize("by", ["a column", "a constant"])
def test_the_quotient_beyond_64_bits_is_an_error(by: str):
    @transform
    def negative(rows: ir.Table) -> ir.Table:
        return rows.select(x=rows.x // (rows.y if by == "a column" else -1))

    with pytest.raises(EngineError, match="Overflow in division"):
        run_transform(negative, {"rows": pa.table({"x": [LEAST], "y": [-1]})})


def test_time_between_is_exact_from_the_year_1_to_9999():
    @transform
    def between(rows: ir.Table) -> ir.Table:
        second = microseconds(rows.later) // 1_000_000
        minutes = minutes_between(rows.earlier, rows.later)
        return rows.select(
            "earlier", "later", minutes=minutes, second=second, part=microseconds(rows.later) % 1_000_000
        )

    pairs = [(earlier, later) for earlier in MOMENTS for later in MOMENTS]
    columns = dict(zip(("earlier", "later"), zip(*pairs, strict=True), strict=True))
    rows = pa.table({name: pa.array(values, INSTANT) for name, values in columns.items()})
    for row in run_transform(between, {"rows": rows}).to_pylist():
        assert row["minutes"] == (row["later"] - row["earlier"]) // timedelta(minutes=1), row
        assert row["second"] == (row["later"] - EPOCH) // timedelta(seconds=1), row
        assert row["part"] == row["later"].microsecond, row


@pytest.mark.parametrize("total", [2**53 + 1, 2**54 + 2, GREATEST, LEAST, LEAST + 1, 9007199254740993 * 3, 1])
@pytest.mark.parametrize("count", [1, -1, 3, 7, 2**53 + 1, GREATEST, LEAST])
def test_a_mean_is_the_double_nearest_to_the_quotient(total: int, count: int):
    @transform
    def mean(rows: ir.Table) -> ir.Table:
        return rows.select(mean=exact_mean(rows.total, rows["count"]), share=rows.total / rows["count"])

    rows = pa.table({"total": pa.array([total], pa.int64()), "count": pa.array([count], pa.int64())})
    nearest = float(Fraction(total, count))
    assert run_transform(mean, {"rows": rows}).to_pylist() == [{"mean": nearest, "share": nearest}]
