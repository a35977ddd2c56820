"""Decimals, bytes, lists and records are the same on both engines, published, rejected and added up."""

from pathlib import Path

import pytest
from tests.parity.conftest import EngineFor
from tests.unit.materialise.test_types import LINES, TOTAL, RawPaid, in_parquet, project, raw_paid
from tests.working import contents, workspace

from taxiway.addresses import Address
from taxiway.lake import WHOLE
from taxiway.landing import CSV, Files, JSONLines, Parquet
from taxiway.materialise import materialise
from taxiway.tables import Project, Table
from taxiway.testing.bits import differences

FILES: dict[str, tuple[Files, bytes]] = {
    "JSON lines": (JSONLines("orders.jsonl"), LINES),
    "Parquet": (Parquet("orders.parquet"), in_parquet()),
}


@pytest.mark.parametrize("how", FILES)
def test_values_of_every_type_are_the_same_on_both_engines(engine_for: EngineFor, tmp_path: Path, how: str) -> None:
    files, data = FILES[how]
    found = []
    for name in ("duckdb", "spark"):
        place = workspace(tmp_path / name, project(files))
        place.landing.deliver(files.name, data)
        engine = engine_for(name, place.settings)
        for at in ("raw/orders", "feature/paid"):
            (result,) = materialise(place, place.project.table(at), [WHOLE], engine, run="test").partitions
            assert result.status == "published", result.message
        addresses = ("raw/orders", "feature/paid", Address("quarantine", "raw__orders"))
        found.append([contents(place.lake, at) for at in addresses])
        other = engine_for("spark" if name == "duckdb" else "duckdb", place.settings)
        again = materialise(place, place.project.table("raw/orders"), [WHOLE], other, run="test", force=True)
        assert [result.status for result in again.partitions] == ["unchanged"]
    keys = (["id"], ["what"], ["source_row"])
    for one, two, key in zip(*found, keys, strict=True):
        assert differences(one.sort_by(key[0]), two.sort_by(key[0]), key) == []
    assert found[1][1]["total"].to_pylist() == [TOTAL]


def test_texts_in_forms_of_their_own_are_the_same_on_both_engines(engine_for: EngineFor, tmp_path: Path) -> None:
    files = CSV("paid.csv", delimiter=";", decimal=",", thousands=".")
    found = []
    for name in ("duckdb", "spark"):
        place = workspace(tmp_path / name, Project("paid", (Table("raw/paid", RawPaid, raw_paid, files),)))
        place.landing.deliver("paid.csv", b"id;amount\n1;123.456.789.012.345.678,90\n2;-0,5\n3;1,005\n4;0.5\n5;7\n")
        engine = engine_for(name, place.settings)
        materialise(place, place.project.table("raw/paid"), [WHOLE], engine, run="test")
        found.append([contents(place.lake, at) for at in ("raw/paid", Address("quarantine", "raw__paid"))])
    for one, two, key in zip(*found, ("id", "delivered"), strict=True):
        assert one.sort_by(key).equals(two.sort_by(key))
