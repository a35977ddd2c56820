"""Partition keys and addresses are data: what is not of the allow-list reaches neither a predicate nor a path."""

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.working import ROOT, publish

from taxiway.addresses import Address
from taxiway.calendar import Calendar
from taxiway.errors import LakeError, SettingsError, UsageError
from taxiway.lake import WHOLE, Lake, PartitionState, Provenance, Publication
from taxiway.settings import load_settings
from taxiway.storage import Store

HOSTILE = [
    "",
    "..",
    "../../2013-01",
    "/etc/passwd",
    "2013-01/../../x",
    "2013-01') or true --",
    "2013-01' OR '1'='1",
    "2013-01\n",
    "2013-01\0",
    "-2013-01",
    "2013--01",
    "２０１３-01",
    "2013-0１",
    "month=2013-01",
    "a%2Fb",
    "[a-z]",
]


@pytest.mark.parametrize("key", [*HOSTILE, WHOLE + "x", "?"])
def test_a_hostile_partition_key_is_refused_everywhere(tmp_path: Path, key: str) -> None:
    lake = Lake(Store(str(tmp_path / "lake")))
    table = pa.table({"month": ["2013-01"], "level": [1]})
    publish(lake, "feature/levels", table, ["2013-01"])
    address = Address.parse("feature/levels")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(LakeError, match="is not a partition key"):
        publish(lake, "feature/levels", table, [key], lake.open(address))
    assert sorted(tmp_path.rglob("*")) == before


@given(st.text(max_size=20))
@example("2013-01")
@example("2013-13")
@example("2013-01'--")
@example("2013-01\n")
def test_a_publication_names_plain_keys_and_no_others(key: str) -> None:
    provenance = Provenance("1", "run", "engine", {}, {key: PartitionState("1")})
    plain = key.isascii() and all(part.isalnum() for part in key.replace("+", "-").split("-"))
    if plain:
        assert Publication(Address("feature", "levels"), provenance, None, "month").changed == {key}
    else:
        with pytest.raises(LakeError):
            Publication(Address("feature", "levels"), provenance, None, "month")


@pytest.mark.parametrize("key", [*HOSTILE, "2013-00", "2013-13", "13-01", "2013-1"])
def test_only_a_key_is_a_key(key: str) -> None:
    with pytest.raises(UsageError, match="is no partition"):
        Calendar("2013-01").span(key)


@pytest.mark.parametrize(
    "at",
    ["feature", "feature/", "/flights", "../lake/x", "feature/../x", "Feature/x", "feature/x y", "a/b/c", "a/b;--"],
)
def test_only_words_make_an_address(at: str) -> None:
    with pytest.raises(UsageError, match="is not a table address"):
        Address.parse(at)


@pytest.mark.parametrize("name", ["plain", "with space", "it's", "ümläut", "a#b", "a,b;c", '"quoted"', "~x"])
def test_a_home_may_have_any_name_that_the_readers_take_as_it_is(tmp_path: Path, name: str) -> None:
    home = load_settings("local", root=ROOT, home=tmp_path / name).lake
    assert publish(Lake(home), "feature/levels", pa.table({"month": ["2013-01"], "level": [1]}), ["2013-01"]) == 0
    assert (tmp_path / name / "lake" / "feature" / "levels" / "_delta_log").is_dir()


@pytest.mark.parametrize("name", ["month=2013-01", "a*b", "what?", "a[b]c", "100%", "a%20b", "back\\slash"])
def test_a_home_that_they_would_take_for_something_else_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="set TAXIWAY_HOME to a folder without"):
        load_settings("local", root=ROOT, home=tmp_path / name)
