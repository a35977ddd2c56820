"""What follows from an audit: per partition, whether it is published, and why not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from statistics import median
from typing import Any, Literal

import pyarrow as pa

from taxiway.contracts.guard import ORIGIN
from taxiway.contracts.keys import SharedKeys
from taxiway.contracts.model import Severity, Volume
from taxiway.contracts.rules import FOREIGN, UNREADABLE, VOLUME, TableContract


@dataclass(frozen=True)
class Failure:
    """A rule that was broken: by `count` rows, or by the partition as a whole (`count` is 1). `example` is one of the
    rows in words, where it was delivered."""

    rule: str
    kind: Literal["row", "table"]
    severity: Severity
    count: int
    reason: str
    example: str = ""


@dataclass(frozen=True)
class Verdict:
    """What the guard found in a partition (None where the table has none).

    `rows` were staged, `rejected` of them break an error, `tolerated` is how many may; `duplicated_keys` counts
    the keys that more than one accepted row has, `shared_keys` those that another partition has too.
    `accepted_fewer` is whether it has fewer rows than its contract allows and was accepted so.
    """

    partition: str | None
    rows: int
    rejected: int
    tolerated: int
    failures: tuple[Failure, ...]
    duplicated_keys: int
    key: tuple[str, ...]
    shared_keys: tuple[SharedKeys, ...] = ()
    accepted_fewer: bool = False

    @property
    def accepted(self) -> int:
        """The rows that break no error."""
        return self.rows - self.rejected

    @property
    def is_unique(self) -> bool:
        """Whether no key occurs more than once."""
        return not self.duplicated_keys and not self.shared_keys

    @property
    def published(self) -> bool:
        """Whether the accepted rows may be published."""
        blocked = any(failure.kind == "table" and failure.severity == "error" for failure in self.failures)
        return self.rejected <= self.tolerated and self.is_unique and not blocked

    @property
    def message(self) -> str:
        """One sentence for people: the partition, rows rejected and tolerated, each broken rule with its count."""
        parts = [f"{self.rejected:,} of {self.rows:,} rows rejected, {self.tolerated:,} tolerated"]
        if self.duplicated_keys:
            parts.append(f"key ({', '.join(self.key)}): {self.duplicated_keys:,} more than once")
        for shared in self.shared_keys:
            parts.append(f"key ({', '.join(self.key)}): {shared.keys:,} also in {shared.partition}")
        for failure in self.failures:
            rows = f" ({failure.count:,} {'row' if failure.count == 1 else 'rows'})" if failure.kind == "row" else ""
            example = f", as {failure.example}" if failure.example else ""
            parts.append(f"{'warning: ' if failure.severity == 'warn' else ''}{failure.reason}{rows}{example}")
        outcome = "accepted" if self.published else "not published"
        return f"{self.partition or 'the table'} {outcome}: {'; '.join(parts)}"


def verdicts(
    contract: TableContract, audited: pa.Table, keys: pa.Table, partitions: Sequence[str] = ()
) -> tuple[Verdict, ...]:
    """The verdict on each of the requested partitions, on an empty one too; then on partitions not asked for,
    whose rows belong nowhere and which are never published. A table without partitions has one verdict.
    """
    found: dict[str | None, Mapping[str, Any]] = {}
    empty: Mapping[str, Any] = {}
    for row in audited.to_pylist():
        # Of a partitioned table, the line without rows is what an empty partition would get.
        if contract.partition is not None and row["rows"] == 0:
            empty = row
        else:
            found[row["partition"]] = row
    duplicates = {row["partition"]: row["duplicated_keys"] for row in keys.to_pylist()}
    wanted: list[str | None] = list(partitions) if contract.partition is not None else [None]
    foreign = sorted((name for name in found if name not in wanted), key=str)
    return tuple(
        _verdict(contract, name, found.get(name, empty), duplicates.get(name, 0), foreign=name in foreign)
        for name in (*wanted, *foreign)
    )


def with_examples(verdict: Verdict, contract: TableContract, samples: Mapping[str, pa.Table]) -> Verdict:
    """The verdict with the first of the `samples` of each broken rule, where these are delivered rows."""
    failures = []
    for failure in verdict.failures:
        rows = samples[failure.rule].slice(0, 1).to_pylist() if failure.rule in samples else []
        is_delivered = bool(rows) and all(name in rows[0] for name in ORIGIN)
        failures.append(replace(failure, example=_told(rows[0], contract, failure)) if is_delivered else failure)
    return replace(verdict, failures=tuple(failures))


def _told(row: Mapping[str, Any], contract: TableContract, failure: Failure) -> str:
    where = f"{row['source_file']} row {row['source_row']}"
    if failure.rule == UNREADABLE:
        # The column of the problems is the last one, whatever it is called.
        return f"{where}: {'; '.join(list(row.values())[-1])}"
    of_key = {*contract.key, contract.partition, *ORIGIN}
    column = next((rule.column for rule in contract.rules if rule.name == failure.rule), None)
    names = [column] if column is not None and column in row else [name for name in row if name not in of_key]
    return f"{where}: {', '.join(f'{name} = {row[name]}' for name in names)}" if names else where


def with_volume(
    verdict: Verdict,
    volume: Volume,
    published: int,
    *,
    accept_fewer: bool,
    advice: str,
    earlier: Sequence[int] = (),
) -> Verdict:
    """The verdict with what the volume of the contract says, where `published` rows are published of the partition,
    and the partitions before it have as many rows as `earlier` tells.

    `advice` says how to accept fewer; `accept_fewer` is that it was done.
    """
    rows = verdict.accepted
    told = f"{rows:,} row{'' if rows == 1 else 's'}"
    typical = Fraction(median(earlier)) if earlier else Fraction(0)
    before = "partition" if len(earlier) == 1 else f"median of the {len(earlier)} partitions"
    compared = [
        (volume.least_rows, volume.usual_rows, 1, f"{told}, at least {{:,}} must be"),
        (
            volume.least_share,
            volume.usual_share,
            published,
            f"{told} where {published:,} are published, below the share of {{:g}}",
        ),
        (
            volume.least_share_of_earlier,
            volume.usual_share_of_earlier,
            typical,
            f"{told} where the {before} before has {float(typical):,.10g}, below the share of {{:g}}",
        ),
    ]
    errors, warnings = [], []
    for least, usual, of, why in compared:
        if _is_below(rows, least, of):
            errors.append(why.format(least))
        elif _is_below(rows, usual, of):
            warnings.append(why.format(usual))
    if not rows and not published and not volume.allow_empty:
        warnings.append(f"{told}, and none are published; where that is as it should be: Volume(allow_empty=True)")
    if accept_fewer:
        warnings += [f"{error}; accepted" for error in errors]
    else:
        errors = [f"{error}; {advice}" for error in errors]
    accepted_fewer = accept_fewer and bool(errors)
    failures = [Failure(VOLUME, "table", "warn", 1, f"{VOLUME}: {why}") for why in warnings]
    if not accepted_fewer:
        failures += [Failure(VOLUME, "table", "error", 1, f"{VOLUME}: {why}") for why in errors]
    return replace(verdict, failures=(*verdict.failures, *failures), accepted_fewer=accepted_fewer)


def _is_below(rows: int, share: float, of: Fraction | int) -> bool:
    """Exactly, for the share as it is written."""
    return rows < Fraction(repr(share)) * of


def tolerated_rows(tolerance: float, rows: int) -> int:
    """How many of the rows may be rejected, exactly: 29 of 100 at 0.29, although 0.29 * 100 is below 29 as a float."""
    return int(Fraction(repr(tolerance)) * rows)


def _verdict(
    contract: TableContract, partition: str | None, row: Mapping[str, Any], duplicated_keys: int, *, foreign: bool
) -> Verdict:
    rows = row.get("rows", 0)
    failures: list[Failure] = []
    if foreign:
        reason = f"{contract.partition}: {partition} was not asked for; a row stays in the partition it was read in"
        failures.append(Failure(FOREIGN, "table", "error", 1, reason))
    if row.get("unreadable"):
        failures.append(Failure(UNREADABLE, "row", "error", row["unreadable"], "unreadable as delivered"))
    for index, rule in enumerate(contract.rules):
        count = row.get(f"rule_{index}") or 0
        if count:
            failures.append(Failure(rule.name, rule.kind, rule.severity, count, rule.reason))
    return Verdict(
        partition=partition,
        rows=rows,
        rejected=row.get("rejected", 0),
        tolerated=tolerated_rows(contract.tolerance, rows),
        failures=tuple(failures),
        duplicated_keys=duplicated_keys,
        key=contract.key,
    )
