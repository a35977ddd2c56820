"""What many partitions were read is told in short, and says the same."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taxiway.calendar import Calendar
from taxiway.lake import PartitionState, Provenance
from taxiway.lake.inputs import MANY, absent, in_short, told_of

MONTHS = Calendar("2001-01", "2021-01").keys("month")

some_versions = st.lists(st.sampled_from([None, None, "1", "2"]), max_size=60).map(
    lambda found: dict(zip(MONTHS, found, strict=False))
)


@given(some_versions, some_versions)
def test_equal_in_short_is_equal(one: dict[str, str | None], other: dict[str, str | None]) -> None:
    assert (in_short({"a/b": one}) == in_short({"a/b": other})) == (one == other)


@given(some_versions)
def test_what_was_read_and_what_was_absent_is_told(versions: dict[str, str | None]) -> None:
    short = in_short({"a/b": versions})["a/b"]
    assert in_short({"a/b": short})["a/b"] == short or len(short) > MANY
    assert {month for month in MONTHS if told_of(short, month) is not None} == set(versions)
    assert sorted(absent(short, MONTHS)) == [month for month, version in versions.items() if version is None]


@pytest.mark.parametrize("months", [60, 240])
def test_what_is_known_of_a_table_that_reads_all_history_does_not_grow_with_its_square(months: int) -> None:
    read = {month: {"feature/x": dict.fromkeys(MONTHS[:number], "0" * 32)} for number, month in enumerate(MONTHS)}
    states = {month: PartitionState("", "code", read[month], 1) for month in MONTHS[:months]}
    provenance = Provenance.of(run="test", engine="test", libraries={}, partitions=states)
    assert len(provenance.dump()) < months * 600 + MANY * MANY * 60
    assert Provenance.load(provenance.dump()) == provenance
    assert json.loads(provenance.dump())["partitions"][MONTHS[40]]["inputs"]["feature/x"].keys() == {
        f"{MONTHS[0]}..{MONTHS[39]}"
    }
