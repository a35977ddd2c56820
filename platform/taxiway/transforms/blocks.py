"""What building blocks state of their results, for whoever walks over an expression: which rows a row depends on.

A block's own joins and unions do not show it, so each block states it while the transform is expressed.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import ibis.expr.types as ir


@dataclass(frozen=True)
class EventWindow:
    """Each row of `queries` once, with what the `events` say whose `happened_at` lies in a window of its `asked_at`.

    The window begins `before_us` microseconds before the start of the bucket that holds `asked_at`, and ends with that
    bucket; buckets are `bucket_us` wide and start at multiples of it since 1970. With 1, the window ends at `asked_at`.
    Rows without an instant see nothing and are not seen. `queries` and `events` are Ibis relations.
    """

    queries: Any
    events: Any
    asked_at: str
    happened_at: str
    before_us: int
    bucket_us: int = 1


@dataclass(frozen=True)
class RowWise:
    """Each row of `rows` once, with columns that depend on that row alone."""

    rows: Any


Block = EventWindow | RowWise
Blocks = Mapping[Any, Block]
"""What is stated, by the Ibis relation that it is stated of."""

_stated: ContextVar[dict[Any, Block] | None] = ContextVar("stated", default=None)


@contextmanager
def stated_blocks() -> Iterator[Blocks]:
    """What the building blocks that are called in the block state of their results."""
    blocks: dict[Any, Block] = {}
    token = _stated.set(blocks)
    try:
        yield blocks
    finally:
        _stated.reset(token)


def state(result: ir.Table, block: Block) -> ir.Table:
    """The result, of which the block is stated."""
    # A selection of its own: Ibis would take a join apart where a further one follows.
    whole = result.select(*result.columns)
    blocks = _stated.get()
    if blocks is not None:
        blocks[whole.op()] = block
    return whole
