"""Divisions of whole numbers on each engine against Python's own, which are exact, over the whole range of 64 bits."""

import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any
from uuid import uuid4

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.parity.conftest import ENGINES, EngineFor
from tests.working import SOAK

from taxiway.engines import Session
from taxiway.settings import Settings
from taxiway.transforms.certificate import certify
from taxiway.transforms.compile import to_sql
from taxiway.transforms.library.arithmetic import exact_mean

LEAST, GREATEST = -(2**63), 2**63 - 1
ENDS = [0, 1, -1, 2, -2, 3, -3, 7, 2**53, 2**53 + 1, -(2**53) - 1, 2**62, LEAST, LEAST + 1, GREATEST, GREATEST - 1]
Pair = tuple[int, int]


def sized(choose: random.Random) -> int:
    """A number of any number of bits, often next to a power of two."""
    bits = choose.randint(0, 63)
    size = choose.choice([choose.getrandbits(bits), 2**bits, 2**bits - 1, 2**bits + 1])
    return max(LEAST, min(GREATEST, choose.choice([size, -size])))


def beside_a_tie(choose: random.Random) -> Pair:
    """A total whose quotient is half-way between two doubles, or the next one to either side."""
    half_way = 2**53 + 2 * choose.getrandbits(51) + 1
    count = choose.randint(1, 2 ** choose.randint(1, 9))
    return half_way * count + choose.choice([-1, 0, 1]), count * 2 ** choose.randint(0, 53)


def pairs(seed: int, number: int) -> list[Pair]:
    choose = random.Random(seed)
    made = [(sized(choose), sized(choose)) for _ in range(number)]
    made += [beside_a_tie(choose) for _ in range(number)]
    return made + [(one, other) for one in ENDS for other in ENDS]


def nearest(total: int, count: int) -> float | None:
    return float(Fraction(total, count)) if count else None


def divided(rows: ir.Table) -> ir.Table:
    total, count = rows.total, rows["count"]
    return rows.select(
        "total",
        "count",
        mean=exact_mean(total, count),
        # The one quotient that is beyond 64 bits is an error.
        floor=ibis.ifelse((total == LEAST) & (count == -1), 0, total) // count,
        modulo=total % count,
        **{f"floor_{n}": total // n for n in (1, 2, 3)},
        floor_minus_3=total // -3,
        modulo_3=total % 3,
        modulo_minus_3=total % -3,
        modulo_minus_1=total % -1,
        mean_3=total / 3,
    )


def computed(session: Session, make: Callable[[ir.Table], ir.Table], rows: pa.Table) -> list[dict[str, Any]]:
    relation = f"rows_{uuid4().hex}"
    session.load(relation, rows)
    made = make(ibis.table(ibis.Schema.from_pyarrow(rows.schema), name=relation))
    certify(make.__name__, made)
    session.stage("found", to_sql(made, session.dialect), made.schema().to_pyarrow())
    return session.query("SELECT * FROM found").to_pylist()


@pytest.fixture(scope="module", params=ENGINES)
def session(request: pytest.FixtureRequest, engine_for: EngineFor, parity_settings: Settings) -> Iterator[Session]:
    with engine_for(request.param, parity_settings).session() as opened:
        yield opened


def check(session: Session, cases: list[Pair]) -> None:
    columns: dict[str, Any] = dict(zip(("total", "count"), map(list, zip(*cases, strict=True)), strict=True))
    rows = pa.table({name: pa.array(values, pa.int64()) for name, values in columns.items()})
    for row in computed(session, divided, rows):
        total, count = row["total"], row["count"]
        floored = 0 if (total, count) == (LEAST, -1) else total
        assert row == {
            "total": total,
            "count": count,
            "mean": nearest(total, count),
            "floor": floored // count if count else None,
            "modulo": total % count if count else None,
            **{f"floor_{n}": total // n for n in (1, 2, 3)},
            "floor_minus_3": total // -3,
            "modulo_3": total % 3,
            "modulo_minus_3": total % -3,
            "modulo_minus_1": 0,
            "mean_3": nearest(total, 3),
        }


def test_divisions_are_those_of_python(session: Session) -> None:
    check(session, pairs(1582, 200_000 if SOAK else 10_000))


whole = st.integers(LEAST, GREATEST)


@settings(max_examples=100 if SOAK else 10, derandomize=True)
@given(st.lists(st.tuples(whole, st.integers(1, GREATEST) | st.integers(1, 1000)), min_size=1, max_size=50))
def test_a_mean_is_the_double_nearest_to_the_quotient(session: Session, cases: list[Pair]) -> None:
    check(session, cases)


def test_the_quotient_that_is_beyond_its_type(session: Session) -> None:
    """Of the least number of a shorter type by -1 the quotient fits, as a whole quotient is of 64 bits."""

    def short(rows: ir.Table) -> ir.Table:
        return rows.select(**{name: rows[name] // rows.by for name in ("k", "h", "i")})

    least = {"k": pa.array([-(2**7)], pa.int8()), "h": pa.array([-(2**15)], pa.int16())}
    rows = pa.table({**least, "i": pa.array([-(2**31)], pa.int32()), "by": pa.array([-1], pa.int8())})
    (found,) = computed(session, short, rows)
    assert found == {"k": 2**7, "h": 2**15, "i": 2**31}
