"""What analysts write every day is portable: the same bits from both engines, over rows as a project has them."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import pytest
from tests import everyday
from tests.parity.conftest import ENGINES, EngineFor
from tests.parity.test_catalogue import run

from taxiway.engines import Session
from taxiway.settings import Settings
from taxiway.transforms.certificate import objections


@pytest.fixture(scope="module")
def sessions(engine_for: EngineFor, parity_settings: Settings) -> Iterator[Sequence[Session]]:
    """A session of each engine in which the tables are; on two files, so that rows come in any order."""
    rows = everyday.rows_of_t()
    with ExitStack() as stack:
        opened = [stack.enter_context(engine_for(name, parity_settings).session()) for name in ENGINES]
        for session in opened:
            session.load("t", rows.slice(0, rows.num_rows // 2))
            session.load("t", rows.slice(rows.num_rows // 2))
            session.load("u", everyday.rows_of_u())
        yield opened


@pytest.mark.parametrize("name", everyday.wanted("P"))
def test_both_engines_give_the_same_bits(sessions: Sequence[Session], name: str) -> None:
    expression = everyday.expression(name)
    assert not [str(each) for each in objections(expression, everyday.KEYS)]
    found = [run(session, expression) for session in sessions]
    assert found[0] == found[1]
    columns = list(zip(*found[0], strict=True))
    assert all(any(value is not None for value in column) for column in columns), "values to compare"
