"""The one list: complete, in order, and each process with the rights that it needs and no others."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

from taxiway.code_locations import CodeLocation
from taxiway.deployment import Layout, Process
from taxiway.deployment.processes import processes


def test_a_process_needs_only_what_is_started_before_it(listed: tuple[Process, ...]) -> None:
    names = [process.name for process in listed]
    assert len(set(names)) == len(names)
    for number, process in enumerate(listed):
        assert set(process.needs) <= set(names[:number]), process.name


def test_each_port_is_one_process_s(layout: Layout) -> None:
    used = Counter(part for process in processes(layout, by_oidc=True) for part in process.ports)
    assert used == dict.fromkeys(layout.ports, 1)
    assert len(set(layout.ports.values())) == len(layout.ports)
    assert min(layout.ports.values()) == layout.ports["nginx"] == layout.port


def test_a_process_is_given_the_keys_that_it_needs(listed: tuple[Process, ...]) -> None:
    buckets = {process.name: process.variables.get("AWS_ACCESS_KEY_ID") for process in listed}
    assert {name: key for name, key in buckets.items() if key} == {"bucket": "admin", "code-flights": "publisher"}
    storage = {process.name for process in listed if "TAXIWAY_DAGSTER_STORAGE_FILE" in process.variables}
    assert storage == {"code-flights", "webserver", "viewer", "daemon"}


def test_what_a_process_is_given_is_in_its_own_folder(layout: Layout, listed: tuple[Process, ...]) -> None:
    for process in listed:
        files = [value for name, value in process.variables.items() if name.endswith("_FILE")]
        assert all(value.startswith(f"{layout.folder(process.name)}/") for value in files), process.name


def test_one_more_process_logs_people_in_with_a_provider(layout: Layout, listed: tuple[Process, ...]) -> None:
    more = processes(layout, by_oidc=True)
    assert {process.name for process in more} - {process.name for process in listed} == {"oauth2-proxy"}
    needs = {process.name: process.needs for process in more}
    assert "oauth2-proxy" in needs["nginx"]
    assert not any("oidc" in name.lower() for process in more for name in process.variables)


def test_a_connection_is_a_file_of_the_code_location_s_alone(layout: Layout) -> None:
    listed = processes(layout, connections=["bi"])
    given = {process.name: process.variables.get("TAXIWAY_CONNECTION_BI_FILE") for process in listed}
    expected = str(layout.folder("code-flights") / "connection-bi")
    assert {name: file for name, file in given.items() if file} == {"code-flights": expected}


def _location(name: str, folder: Path | None = None) -> CodeLocation:
    return CodeLocation(name, f"{name}.definitions", folder)


def test_a_code_location_that_is_not_installed_is_found_in_its_folder(layout: Layout) -> None:
    (served,) = (
        p for p in processes(replace(layout, locations={"b": _location("b", Path("src"))})) if p.name == "code-b"
    )
    words = list(served.command)
    assert words[words.index("--working-directory") + 1] == str(layout.root / "src")
    assert served.variables["TAXIWAY_ROOT"] == str(layout.root)


def test_a_code_location_of_another_project_has_its_settings(layout: Layout, tmp_path: Path) -> None:
    (tmp_path / "zoo" / "deployments").mkdir(parents=True)
    locations = {"zoo": _location("zoo", tmp_path / "zoo" / "src")}
    (served,) = (each for each in processes(replace(layout, locations=locations)) if each.name == "code-zoo")
    assert served.variables["TAXIWAY_ROOT"] == str(tmp_path / "zoo")


def test_the_daemon_sees_the_processes_of_all_code_locations(layout: Layout) -> None:
    several = replace(layout, locations={name: _location(name) for name in ("flights", "b", "c")})
    seen = {process.name: process.sees_processes_of for process in processes(several)}
    assert {name: of for name, of in seen.items() if of} == dict.fromkeys(
        ("code-b", "code-c", "daemon"), "code-flights"
    )


def test_a_further_setting_is_the_code_location_s_alone(layout: Layout) -> None:
    listed = processes(layout, {"TAXIWAY_THREADS": "7"})
    assert [process.name for process in listed if "TAXIWAY_THREADS" in process.variables] == ["code-flights"]
