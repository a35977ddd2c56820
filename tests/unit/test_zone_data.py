"""The zone data of DuckDB, Python and Java: what they say is known without an engine, and decides what is skipped."""

import struct
from datetime import UTC, datetime
from pathlib import Path

import pytest

from taxiway.calendar import Calendar
from taxiway.zones import data as zones
from taxiway.zones.java import read_java_zones

YEARS = Calendar("2013-01", "2014-01", "America/New_York")


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize("name", zones.readings())
def test_every_reading_knows_when_clocks_change(name: str) -> None:
    start, end = seconds("2013-01-01"), seconds("2014-01-01")
    spring, autumn = seconds("2013-03-10T07:00:00"), seconds("2013-11-03T06:00:00")
    expected = ((start, -18000), (spring, -14400), (autumn, -18000))
    assert zones.changes("America/New_York", name, start, end) == expected
    assert zones.changes("UTC", name, start, end) == ((start, 0),)
    assert zones.changes("Nowhere/Town", name, start, end) is None


def test_python_reads_java_as_java_does(tmp_path: Path) -> None:
    """A zone with one change to summer time and a yearly rule, as Java writes it."""
    rule = 3 << 28 | (31) << 22 | 7 << 19 | 1 << 14 | 1 << 12 | 132 << 4 | 0 << 2 | 2
    standard = struct.pack(">bi", 1, 0) + struct.pack(">b", 4)
    change = struct.pack(">iBqbb", 1, 255, seconds("2012-03-25T00:00:00"), 4, 8)
    rules = standard + change + struct.pack(">bI", 1, rule)
    texts = [struct.pack(">H", len(text)) + text for text in (b"2099z", b"Own/Zone", b"Own/Alias")]
    data = b"\x01\x00\x04TZDB" + struct.pack(">H", 1) + texts[0] + struct.pack(">H", 2) + texts[1] + texts[2]
    data += struct.pack(">HH", 1, len(rules)) + rules + struct.pack(">HHH", 1, 0, 0) + struct.pack(">HHH", 1, 1, 0)
    (tmp_path / "tzdb.dat").write_bytes(data)
    found = read_java_zones(tmp_path / "tzdb.dat")
    assert found is not None
    assert found.version == "2099z"
    before, after = seconds("2012-01-01"), seconds("2012-06-01")
    assert found.offsets("Own/Alias", [before, after]) == [3600, 7200]
    assert found.offsets("Other/Zone", [before]) is None


def test_where_they_disagree_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert zones.disagreements(["America/New_York"], YEARS) == {}
    own = zones.readings()

    def later(zone: str, instants: list[int]) -> list[int] | None:
        found = zip(instants, own["Python"](zone, instants) or [], strict=True)
        return [-14400 if seconds("2013-11-01") <= at < seconds("2013-11-10") else offset for at, offset in found]

    monkeypatch.setattr(zones, "readings", lambda: {"DuckDB": own["DuckDB"], "Java": later})
    told = zones.disagreements(["America/New_York"], YEARS)["America/New_York"]
    assert told.startswith("America/New_York on 2013-11-")
    assert told.endswith("DuckDB -05:00, Java -04:00")


def test_a_fingerprint_holds_the_zones_of_engines_only_as_far_as_they_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["SELECT local_clock(a, 'Europe/Berlin')", "SELECT 'Asia/Tokyo'"]
    assert zones.zones_of(texts, YEARS) == ("America/New_York", "Europe/Berlin")
    assert zones.zones_of(["SELECT 'Europe/Berlin'"], YEARS) == ()
    own = zones.readings()
    alone = zones.engines_digest(["America/New_York"], YEARS)
    zones.changes.cache_clear()
    monkeypatch.setattr(zones, "readings", lambda: {"DuckDB": own["DuckDB"], "Java": own["DuckDB"]})
    assert zones.engines_digest(["America/New_York"], YEARS) == alone, "an engine that agrees changes nothing"
    monkeypatch.setattr(zones, "readings", lambda: {"DuckDB": own["DuckDB"], "Java": lambda zone, at: [0] * len(at)})
    zones.changes.cache_clear()
    assert zones.engines_digest(["America/New_York"], YEARS) != alone
    zones.changes.cache_clear()
