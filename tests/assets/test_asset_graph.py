"""The whole asset graph of the flights as Dagster sees it: what is not meant to change does not change unseen."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from syrupy.assertion import SnapshotAssertion

from flights.features import flights
from flights.project import project
from taxiway.marts import DbtProject
from taxiway.orchestration import build_definitions
from taxiway.settings import load_settings


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    assert project.dbt is not None
    settings = load_settings("local", home=tmp_path_factory.mktemp("home"))
    DbtProject(project.dbt, settings.dbt).prepare()
    return build_definitions(project, settings)


def test_the_asset_graph(definitions: dg.Definitions, snapshot: SnapshotAssertion) -> None:
    assert "\n".join(_described(definitions)) == snapshot


def test_the_sensors(definitions: dg.Definitions, snapshot: SnapshotAssertion) -> None:
    sensors = definitions.get_repository_def().sensor_defs
    assert [
        f"{sensor.name}: {sensor.sensor_type.value}, {sensor.default_status.value}, "
        f"every {sensor.minimum_interval_seconds} s, {sensor.asset_selection}"
        for sensor in sorted(sensors, key=lambda sensor: sensor.name)
    ] == snapshot


def test_a_table_opens_the_files_of_its_transform_and_its_contract(definitions: dg.Definitions) -> None:
    node = definitions.resolve_asset_graph().get(dg.AssetKey(["feature", "flights"]))
    opened = node.metadata["dagster/code_references"].code_references
    assert [reference.label for reference in opened] == ["transform", "contract"]
    lines = [Path(each.file_path).read_text().splitlines()[each.line_number - 1] for each in opened]
    assert {Path(reference.file_path) for reference in opened} == {Path(str(flights.__file__))}
    assert lines[0].startswith("@transform")
    assert lines[1].startswith("class Flights(")


def test_every_table_opens_a_file_and_every_sensor_says_what_it_does(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    for table in project.tables:
        opened = graph.get(dg.AssetKey(table.at.split("/"))).metadata["dagster/code_references"].code_references
        assert all(Path(reference.file_path).is_file() for reference in opened)
    assert all(sensor.description for sensor in definitions.get_repository_def().sensor_defs)


def test_making_definitions_touches_nothing(tmp_path: Path) -> None:
    settings = load_settings("local", home=tmp_path / "home")
    dbt = DbtProject.of(project, settings)
    assert dbt is not None
    dbt.prepare()
    before = sorted(settings.home.rglob("*"))
    build_definitions(project, settings)
    assert sorted(settings.home.rglob("*")) == before


def _described(definitions: dg.Definitions) -> Iterator[str]:
    graph = definitions.resolve_asset_graph()
    for key in sorted(graph.get_all_asset_keys()):
        node = graph.get(key)
        policy = node.freshness_policy
        yield key.to_user_string()
        yield f"    {node.group_name}; {', '.join(sorted(node.kinds))}; {_partitions(node.partitions_def)}"
        for parent in sorted(node.parent_keys):
            yield f"    from {parent.to_user_string()}: {_mapping(graph.get_partition_mapping(key, parent))}"
        checks = [
            f"{check.name} (blocking)" if graph.get(check).blocking else check.name
            for check in sorted(graph.get_check_keys_for_assets({key}), key=lambda check: check.name)
        ]
        extras = {
            "owners": ", ".join(node.owners),
            "tags": ", ".join(f"{name}={value}" for name, value in sorted(node.tags.items()) if "kind" not in name),
            "checks": ", ".join(checks),
            "asks": _condition(node.automation_condition),
            "in one run": "a range" if node.backfill_policy else "",
            "fresh": f"within {policy.fail_window.to_timedelta()}" if policy else "",
        }
        yield from (f"    {name}: {value}" for name, value in extras.items() if value)


def _partitions(partitions: dg.PartitionsDefinition | None) -> str:
    if partitions is None:
        return "whole"
    keys = partitions.get_partition_keys()
    return f"{len(keys)} months, {keys[0]} to {keys[-1]}"


def _mapping(mapping: dg.PartitionMapping) -> str:
    if isinstance(mapping, dg.TimeWindowPartitionMapping):
        return f"months {mapping.start_offset} to {mapping.end_offset}"
    return type(mapping).__name__


def _condition(condition: dg.AutomationCondition | None) -> str:
    if condition is None:
        return ""
    parts = [_condition(child) for child in condition.children]
    name = condition.get_label() or condition.name
    return f"{name}({', '.join(parts)})" if parts and condition.get_label() is None else name
