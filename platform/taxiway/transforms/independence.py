"""Whether many partitions of a table can be computed in one query: where no row sees beyond its own partition's reach.

The expression is walked, nothing is compiled or run. A table means one partition at a time, each with exactly its
declared reach; one query over several is the same only where rows of one partition never meet those of another that
it would not read alone. Of windows over time that depends on the instants themselves, so the walk gives the windows,
and whoever has the data says whether they stay within the reach.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import ibis.expr.operations as ops
import ibis.expr.types as ir

from taxiway.transforms.blocks import Block, Blocks, EventWindow, RowWise

_SHOWN = 60
_MICROSECONDS = {"W": 604_800_000_000, "D": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000}
_MICROSECONDS |= {"ms": 1_000, "us": 1}


@dataclass(frozen=True)
class Input:
    """What the walk has to know of an input: the column of its partitions, None where it has none or where every
    partition reads all of it, and whether a partition reads the same partition of it whole."""

    partition: str | None
    own: bool = True


@dataclass(frozen=True)
class Column:
    """A column of an input."""

    relation: str
    name: str


@dataclass(frozen=True)
class TimeWindow:
    """Rows look at the events whose instant lies between `before_us` before the start of the bucket of `asked` and the
    end of that bucket. With `nulls`, rows without an instant look at each other."""

    asked: Column
    events: Column
    before_us: int
    bucket_us: int = 1
    nulls: bool = False

    def of(self, earliest_us: int, latest_us: int) -> tuple[int, int]:
        """The first and the last instant that rows look at whose own instants lie between these two."""
        first = earliest_us // self.bucket_us * self.bucket_us - self.before_us
        last = (latest_us // self.bucket_us + 1) * self.bucket_us - 1
        return first, last


@dataclass(frozen=True)
class Independence:
    """Whether partitions can share a query: never where there is a `reason`, else where the `windows` stay within what
    each partition reads."""

    reason: str = ""
    windows: tuple[TimeWindow, ...] = ()

    def __str__(self) -> str:
        """One sentence for people."""
        if self.reason:
            return f"computed partition by partition: {self.reason}"
        told = "partitions are computed together: no row sees beyond its own partition and reach"
        asked = sorted({f"{window.asked.relation}.{window.asked.name}" for window in self.windows})
        return f"{told}, as long as the windows of {', '.join(asked)} lie within it" if asked else told


def independence(expression: ir.Table, partition: str, inputs: Mapping[str, Input], blocks: Blocks) -> Independence:
    """Whether the partitions of a table, by its column `partition`, can be computed in one query.

    `blocks` holds what building blocks state of the relations of the expression.
    """
    walk = _Walk(inputs, blocks)
    try:
        rows = walk.rows(expression.op())
    except _Meeting as meeting:
        return Independence(str(meeting))
    if not rows.everywhere and partition not in rows.keys:
        return Independence(f"{partition} is not the column of an input by which its rows are told apart")
    return Independence(windows=tuple(dict.fromkeys(walk.windows)))


class _Meeting(Exception):
    """Rows of several partitions meet, and why."""


@dataclass(frozen=True)
class _Rows:
    """What is known of a relation's rows.

    `everywhere`: they are the same whichever partitions are read. `keys`: columns that hold the partition that a row
    belongs to; the rows of a partition are the same whatever others are read. `source`: the one input of a row of
    which each row is made. `times`: by column the input's column that it holds an instant of, of the same partition.
    """

    everywhere: bool = False
    keys: frozenset[Any] = frozenset()
    source: str | None = None
    times: Mapping[Any, Column] = field(default_factory=dict)

    def renamed(self, names: Mapping[str, Any]) -> "_Rows":
        """The same with new names, by what in these rows they stand for."""
        keys = frozenset(name for name, old in names.items() if old in self.keys)
        times = {name: self.times[old] for name, old in names.items() if old in self.times}
        return _Rows(self.everywhere, keys, self.source, times)

    def of_many(self) -> "_Rows":
        """The same of rows that are made of several rows of their partition."""
        return replace(self, source=None)


_EVERYWHERE = _Rows(everywhere=True)
_SAME = (ops.Filter, ops.Sort, ops.DropColumns, ops.SelfReference, ops.JoinReference, ops.DropNull, ops.Distinct)


@dataclass
class _Walk:
    inputs: Mapping[str, Input]
    blocks: Blocks
    windows: list[TimeWindow] = field(default_factory=list)
    _known: dict[Any, _Rows] = field(default_factory=dict)

    def rows(self, relation: Any) -> _Rows:
        if relation not in self._known:
            block = self.blocks.get(relation)
            self._known[relation] = self._of_block(relation, block) if block is not None else self._of(relation)
        return self._known[relation]

    def _of(self, relation: Any) -> _Rows:
        if isinstance(relation, ops.UnboundTable):
            return self._input(relation)
        if self._is_everywhere(relation):
            return _EVERYWHERE
        for kinds, rule in self._rules():
            if isinstance(relation, kinds):
                return rule(relation)
        raise _Meeting(f"{type(relation).__name__} takes {_words(relation)} of several partitions")

    def _rules(self) -> Sequence[tuple[Any, Callable[[Any], _Rows]]]:
        return (
            (_SAME, self._same),
            (ops.FillNull, self._filled),
            (ops.Project, self._project),
            (ops.Aggregate, self._aggregate),
            (ops.Set, self._set),
            (ops.JoinChain, self._join),
        )

    def _input(self, table: Any) -> _Rows:
        known = self.inputs[table.name]
        if known.partition is None:
            return _EVERYWHERE
        times = {name: Column(table.name, name) for name, dtype in table.schema.items() if dtype.is_timestamp()}
        return _Rows(keys=frozenset({known.partition} if known.own else ()), source=table.name, times=times)

    def _is_everywhere(self, relation: Any) -> bool:
        below = relation.find(ops.UnboundTable)
        return all(self.inputs[table.name].partition is None for table in below)

    def _of_block(self, result: Any, block: Block) -> _Rows:
        if isinstance(block, RowWise):
            rows = self.rows(block.rows)
            return rows.renamed({name: name for name in result.schema if name in block.rows.schema})
        queries, events = self.rows(block.queries), self.rows(block.events)
        if not events.everywhere:
            self._look(block, queries, events)
        kept = queries.renamed({name: name for name in result.schema if name in block.queries.schema})
        if queries.everywhere and not events.everywhere:
            raise _Meeting(f"rows of no partition ask for {block.happened_at} in windows of time")
        return _Rows(kept.everywhere, kept.keys, None, kept.times)

    def _look(self, block: EventWindow, queries: _Rows, events: _Rows) -> None:
        asked, happened = queries.times.get(block.asked_at), events.times.get(block.happened_at)
        if events.source is None or happened is None:
            raise _Meeting(f"events at {block.happened_at} are not rows of one input with that instant as it is there")
        if asked is None:
            raise _Meeting(f"{block.asked_at} is computed, and not an instant of an input")
        self.windows.append(TimeWindow(asked, happened, block.before_us, block.bucket_us))

    def _same(self, relation: Any) -> _Rows:
        parent = self.rows(relation.parent)
        predicates = getattr(relation, "predicates", ())
        for value in predicates:
            self._check(value, parent)
        found = parent.renamed({name: name for name in relation.schema})
        return found.of_many() if _sees_others(predicates) else found

    def _filled(self, relation: Any) -> _Rows:
        parent = self.rows(relation.parent)
        values = relation.replacements
        filled = values.keys() if isinstance(values, Mapping) else relation.schema.keys()
        return parent.renamed({name: name for name in relation.schema if name not in filled})

    def _project(self, relation: Any) -> _Rows:
        parent = self.rows(relation.parent)
        for name, value in relation.values.items():
            self._check(value, parent, name)
        found = parent.renamed(_taken(relation.values))
        instants = {name: _name(_instant(value)) for name, value in relation.values.items()}
        times = {name: parent.times[old] for name, old in instants.items() if old in parent.times}
        found = _Rows(found.everywhere, found.keys, found.source, times)
        return found.of_many() if _sees_others(relation.values.values()) else found

    def _aggregate(self, relation: Any) -> _Rows:
        parent = self.rows(relation.parent)
        for value in (*relation.groups.values(), *relation.metrics.values()):
            self._check(value, parent)
        found = parent.renamed(_taken(relation.groups))
        if not found.keys:
            named = ", ".join(relation.groups) or "nothing"
            raise _Meeting(f"groups by {named} take rows of several partitions; group by {_named(parent.keys)} too")
        return _Rows(False, found.keys, None, found.times)

    def _set(self, relation: Any) -> _Rows:
        left, right = self.rows(relation.left), self.rows(relation.right)
        if left.everywhere or right.everywhere:
            known = right if left.everywhere else left
            return _Rows(False, known.keys)
        times = {name: of for name, of in left.times.items() if right.times.get(name) == of}
        source = left.source if left.source == right.source else None
        return _Rows(False, left.keys & right.keys, source, times)

    def _join(self, relation: Any) -> _Rows:
        found = _qualified(relation.first, self.rows(relation.first))
        for link in relation.rest:
            other = _qualified(link.table, self.rows(link.table))
            for predicate in link.predicates:
                self._check(predicate, _EVERYWHERE)
            found = self._linked(link, found, other)
        for name, value in relation.values.items():
            self._check(value, found, name)
        return found.renamed({name: _place(value) for name, value in relation.values.items()})

    def _linked(self, link: Any, left: _Rows, right: _Rows) -> _Rows:
        keeps_left = link.how in ("inner", "left", "semi", "anti", "cross")
        keeps_right = link.how in ("inner", "right", "cross")
        if left.everywhere and right.everywhere:
            return left
        if right.everywhere and keeps_left:
            return left
        if left.everywhere and keeps_right:
            return right
        equal = [predicate for predicate in link.predicates if isinstance(predicate, ops.Equals)]
        pairs = [{_place(side) for side in predicate.args} for predicate in equal]
        if left.everywhere or right.everywhere or not any(pair & left.keys and pair & right.keys for pair in pairs):
            both = sorted({name for _, name in left.keys | right.keys}) or ["the partition"]
            raise _Meeting(f"the {link.how} join with {_words(link.table)} is not by {', '.join(both)}")
        if link.how == "inner":
            return _Rows(False, left.keys | right.keys, None, {**left.times, **right.times})
        if keeps_left:
            return _Rows(False, left.keys, None, left.times)
        if keeps_right:
            return _Rows(False, right.keys, None, right.times)
        raise _Meeting(f"the {link.how} join with {_words(link.table)} has rows of which one side has no partition")

    def _check(self, value: Any, rows: _Rows, name: str = "") -> None:
        """See that a value of a row depends on rows of its own partition alone."""
        if rows.everywhere and not value.find(ops.Subquery, filter=ops.Value):
            return
        what = name or _words(value)
        for query in value.find(ops.Subquery, filter=ops.Value):
            if not self._is_everywhere(query.rel):
                raise _Meeting(f"{what} takes a value from rows of several partitions")
        for window in value.find(ops.WindowFunction, filter=ops.Value):
            if any(_place(group) in rows.keys or _name(group) in rows.keys for group in window.group_by):
                continue
            looked = _time_window(window, rows)
            if looked is None:
                raise _Meeting(
                    f"{what} is a window over rows of several partitions: group it by {_named(rows.keys)}, or bound it "
                    "at both ends by time within the reach"
                )
            self.windows.append(looked)


def _sees_others(values: Iterable[Any]) -> bool:
    return any(value.find(ops.WindowFunction, filter=ops.Value) for value in values)


def _taken(values: Mapping[str, Any]) -> dict[str, str]:
    """By name the column that is taken as it is."""
    return {name: value.name for name, value in values.items() if isinstance(value, ops.Field)}


def _qualified(reference: Any, rows: _Rows) -> _Rows:
    times = {(reference, name): column for name, column in rows.times.items()}
    return _Rows(rows.everywhere, frozenset((reference, name) for name in rows.keys), rows.source, times)


def _place(value: Any) -> Any:
    """A field of a join by where it comes from; nothing for what is computed."""
    return (value.rel, value.name) if isinstance(value, ops.Field) else None


def _name(value: Any) -> Any:
    return value.name if isinstance(value, ops.Field) else None


def _instant(value: Any) -> Any:
    """The field whose instant a value is: itself, or its microseconds since 1970."""
    while isinstance(value, ops.Cast | ops.ScalarUDF):
        is_instant = isinstance(value, ops.Cast) and value.to.is_timestamp() and value.arg.dtype.is_timestamp()
        is_counted = isinstance(value, ops.ScalarUDF) and getattr(value, "__func_name__", "") == "epoch_us"
        if not is_instant and not is_counted:
            return None
        value = value.args[0]
    return value


def _time_window(window: Any, rows: _Rows) -> TimeWindow | None:
    """The window as one over the instants of the one input that the rows are made of; None for any other."""
    if window.how != "range" or len(window.order_by) != 1 or not window.order_by[0].ascending:
        return None
    order = window.order_by[0].arg
    instant = _instant(order)
    column = rows.times.get(_place(instant)) or rows.times.get(_name(instant))
    before, after = (_preceding(bound, counted=order.dtype.is_integer()) for bound in (window.start, window.end))
    if rows.source is None or column is None or column.relation != rows.source:
        return None
    if before is None or after is None or after < 0 or before < after:
        return None
    return TimeWindow(column, column, before, nulls=True)


def _preceding(bound: Any, *, counted: bool) -> int | None:
    """How many microseconds a bound lies before the row; None where there is none, or where it is no constant time.
    `counted`: the order is by microseconds, and so is the bound."""
    if bound is None:
        return None
    value = bound.value
    while isinstance(value, ops.Cast):
        value = value.arg
    if not isinstance(value, ops.Literal) or not isinstance(value.value, int):
        return None
    unit = _MICROSECONDS.get(value.dtype.unit.short) if value.dtype.is_interval() else 1 if counted else None
    if unit is None:
        return 0 if value.value == 0 else None
    return value.value * unit if bound.preceding else -value.value * unit


def _named(keys: Any) -> str:
    names = sorted({key[1] if isinstance(key, tuple) else key for key in keys})
    return ", ".join(names) or "its partition"


def _words(node: Any) -> str:
    """What a part of an expression is called: by the inputs that a relation is made of, by the name of a value."""
    if isinstance(node, ops.Relation):
        inputs = {str(table.name) for table in node.find((ops.UnboundTable, ops.InMemoryTable))}  # pyright: ignore[reportAttributeAccessIssue]
        return f"rows of {' and '.join(sorted(inputs)) or 'constants'}"
    try:
        name = str(node.name)
    except AttributeError:
        return type(node).__name__
    return name if len(name) <= _SHOWN else f"{name[:_SHOWN]}…"
