from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import pytest

from taxiway.contracts import MaxLag
from taxiway.errors import DefinitionError
from taxiway.transforms.library import clock


@pytest.mark.parametrize("zone", ["Mars/Olympus", "america/new_york", "EST", "+05:00", "GMT+5", ""])
def test_a_constant_that_is_no_zone_is_refused_where_it_is_written(zone: str):
    at: Any = ops.Cast(ops.Literal("2013-01-01", dt.string), clock.INSTANT).to_expr()
    uses = [
        lambda: clock.local_clock(at, zone),
        lambda: clock.local_clock(at, ibis.literal(zone)),
        lambda: clock.instant_of(at.cast(clock.CLOCK), zone),
        lambda: MaxLag(hours=1, of=("at",), since="day", zone=zone),
    ]
    for use in uses:
        with pytest.raises(DefinitionError, match="is no time zone; write one such as America/New_York"):
            use()
