# pyarrow.compute makes its functions when it is imported.
# pyright: reportAttributeAccessIssue=false
"""Proof that a transform does not read the future.

At a cut in time, what was not known then is masked: values whose `known_at` lies later become null, and
rows whose key becomes known later are not there. Every row decided by the cut must come out the same
from the masked tables as from the full ones, in each column that is known when it is decided.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from taxiway.addresses import Address
from taxiway.contracts import Contract, TableContract, compile_contract
from taxiway.errors import UsageError
from taxiway.testing.bits import identical
from taxiway.testing.running import run_transform
from taxiway.transforms import ArrowTransform, Parameter, Transform

Decision = str | tuple[str, str] | datetime
_DECIDED = "_decided_at"
_KNOWN = "_known_at"


def assert_point_in_time(
    transform: Transform | ArrowTransform,
    tables: Mapping[str, pa.Table],
    contracts: Mapping[str, type[Contract]],
    *,
    cuts: Sequence[datetime],
    result: type[Contract] | None = None,
    key: Sequence[str] = (),
    decision: Decision = "decision_at",
    parameters: Mapping[str, Parameter] | None = None,
) -> int:
    """Prove for each cut that no row decided by then depends on what was not known; returns the values compared.

    `tables` and `contracts` are the inputs by relation name. `result` is the contract of the transform's
    result; without one, `key` names its key and every column must be known. `decision` says when a row is
    decided: a column of the result; relation and column of an input with the same key, as
    `("feature_flights", "decision_at")`; or one instant for all rows, as for the training of a model.
    Raises AssertionError naming column, row, cut and both values; UsageError where a decision or an
    instant of `known_at` cannot be looked up.
    """
    compiled = {name: compile_contract(contract) for name, contract in contracts.items()}
    judge = _Judge(tables, compile_contract(result) if result else None, tuple(key), decision)
    full = judge.prepared(run_transform(transform, tables, parameters))
    compared = 0
    inputs = {
        name: (tables[name], compiled[name], _moments(tables[name], compiled[name], tables))
        for name in transform.inputs
    }
    for cut in cuts:
        masked = {name: _known_by(cut, *given) for name, given in inputs.items()}
        compared += judge.compare(full, judge.prepared(run_transform(transform, masked, parameters)), cut)
    if compared == 0:
        raise AssertionError(f"{transform.name}: no row is decided by any of the cuts, so nothing was proved")
    return compared


def _moments(table: pa.Table, contract: TableContract, tables: Mapping[str, pa.Table]) -> Mapping[str, pa.ChunkedArray]:
    """For each column that is not known always, the instant from which each of its values is."""
    named = {name: column.known_at for name, column in contract.columns.items() if column.known_at is not None}
    moments = {known_at: _moment(table, contract.key, known_at, tables) for known_at in set(named.values())}
    return {name: moments[known_at] for name, known_at in named.items()}


def _known_by(
    cut: datetime, table: pa.Table, contract: TableContract, moments: Mapping[str, pa.ChunkedArray]
) -> pa.Table:
    """What of a table was known at the cut: its rows that were, with null for each value that was not."""
    known = {name: pc.fill_null(pc.less_equal(moment, cut), False) for name, moment in moments.items()}
    for name in known.keys() - set(contract.key):
        values = pc.if_else(known[name], table[name], pa.scalar(None, table[name].type))
        table = table.set_column(table.schema.get_field_index(name), name, values)
    exists = [known[name] for name in contract.key if name in known]
    return table.filter(reduce(pc.and_, exists)) if exists else table


@dataclass(frozen=True)
class _Judge:
    tables: Mapping[str, pa.Table]
    contract: TableContract | None
    key_without_contract: tuple[str, ...]
    decision: Decision

    @property
    def key(self) -> tuple[str, ...]:
        return self.contract.key if self.contract else self.key_without_contract

    def prepared(self, result: pa.Table) -> pa.Table:
        """The result in the order of its key, with the instant of each row's decision."""
        if isinstance(self.decision, datetime):
            decided = pa.repeat(pa.scalar(self.decision, pa.timestamp("us", "UTC")), result.num_rows)
        elif isinstance(self.decision, str):
            if self.decision not in result.column_names:
                raise UsageError(
                    f"the result has no column {self.decision}: say when its rows are decided by relation and column "
                    "of an input with the same key, or by one instant"
                )
            decided = result[self.decision]
        else:
            decided = _looked_up(result, self.key, self.tables[self.decision[0]], self.decision[1])
        return result.append_column(_DECIDED, decided).sort_by([(name, "ascending") for name in self.key])

    def compare(self, full: pa.Table, masked: pa.Table, cut: datetime) -> int:
        full, masked = (side.filter(pc.less_equal(side[_DECIDED], cut)) for side in (full, masked))
        self._same_rows(full, masked, cut)
        compared = 0
        moments = _moments(full, self.contract, self.tables) if self.contract else {}
        for name in full.column_names:
            due = self._due(full, moments.get(name))
            before, after = full[name].filter(due), masked[name].filter(due)
            same = identical(before, after)
            if not same.all():
                row = int(np.argmin(same))
                raise AssertionError(
                    f"{name} of {self._row(full.filter(due), row)}, decided by {cut}, reads the future: it is "
                    f"{before[row]} with everything and {after[row]} with what was known at {cut}"
                )
            compared += len(same)
        return compared

    def _due(self, full: pa.Table, moment: pa.ChunkedArray | None) -> pa.ChunkedArray:
        """Which rows must have a column's value when they are decided: those of which it is known by then."""
        if moment is None:
            return pa.chunked_array([pa.repeat(pa.scalar(True), full.num_rows)])
        return pc.fill_null(pc.less_equal(moment, full[_DECIDED]), False)

    def _same_rows(self, full: pa.Table, masked: pa.Table, cut: datetime) -> None:
        keys = [set(zip(*(side[name].to_pylist() for name in self.key), strict=True)) for side in (full, masked)]
        if keys[0] != keys[1] or full.num_rows != masked.num_rows:
            raise AssertionError(
                f"the rows decided by {cut} read the future: {full.num_rows} with everything, {masked.num_rows} with "
                f"what was known then; e.g. {sorted(keys[0] ^ keys[1], key=repr)[:3]} are on one side only"
            )

    def _row(self, rows: pa.Table, number: int) -> str:
        return ", ".join(f"{name} {rows[name][number]}" for name in self.key)


def _moment(table: pa.Table, key: Sequence[str], known_at: str, tables: Mapping[str, pa.Table]) -> pa.ChunkedArray:
    """For each row the instant named by `known_at`, of this table or of another with the same key."""
    address, _, column = known_at.rpartition(".")
    if not address:
        return table[column]
    relation = Address.parse(address).relation
    if relation not in tables:
        raise UsageError(f"known_at names {known_at}: give the table {relation} too, although no transform reads it")
    return _looked_up(table, key, tables[relation], column)


def _looked_up(table: pa.Table, key: Sequence[str], other: pa.Table, column: str) -> pa.ChunkedArray:
    """For each row of the table, in order, the column of the row of `other` with the same key; null without one."""
    numbered = table.select(list(key)).append_column("_row", pa.array(range(table.num_rows), pa.int64()))
    found = other.select([*key, column]).rename_columns([*key, _KNOWN])
    joined = numbered.join(found, list(key), join_type="left outer").sort_by("_row")
    if joined.num_rows != table.num_rows:
        raise AssertionError(f"{', '.join(key)} is no key of the table that has {column}")
    return joined[_KNOWN]
