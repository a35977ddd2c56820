"""Runs of the command line are seen where people look first: among those of the project's code location."""

from pathlib import Path

import dagster as dg
from dagster._core.storage.tags import REPOSITORY_LABEL_TAG
from tests.working import land, workspace

from flights.project import project as flights
from taxiway.addresses import Address
from taxiway.orchestration import build_definitions
from taxiway.orchestration.origin import code_location
from taxiway.orchestration.runs import RunRequest, execute
from taxiway.users import USER_TAG, account


def test_the_code_location_is_the_one_that_the_ui_loads(tmp_path: Path) -> None:
    place = workspace(tmp_path, parameters={})
    location = code_location(place.settings, flights)
    assert location is not None
    assert location.location_name == "flights"
    assert code_location(place.settings, place.project) is None, "workspace.yaml names no such project"


def test_a_run_is_one_of_its_code_location(tmp_path: Path) -> None:
    place = workspace(tmp_path, parameters={})
    land(place, ["2013-01"])
    location = code_location(place.settings, flights)
    instance = dg.DagsterInstance.ephemeral()
    definitions = build_definitions(place.project, place.settings, workspace=place)
    request = RunRequest((Address.parse("raw/readings"),), ("2013-01",))
    assert execute(definitions, instance, place.project, request, lambda _: None, location)
    (run,) = instance.get_runs()
    assert run.status is dg.DagsterRunStatus.SUCCESS
    assert run.tags[USER_TAG] == account()
    commit = next(place.lake.open(Address.parse("raw/readings")).commits())
    assert commit.provenance is not None
    assert (commit.provenance.run, commit.provenance.user) == (run.run_id, account())
    assert run.remote_job_origin is not None
    assert run.remote_job_origin.location_name == "flights"
    assert run.tags[REPOSITORY_LABEL_TAG] == "__repository__@flights"
    assert len(instance.get_runs(dg.RunsFilter(tags={REPOSITORY_LABEL_TAG: "__repository__@flights"}))) == 1
