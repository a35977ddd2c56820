"""A parameter that nothing declares would be ignored, and the default used: it is refused where the project loads."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests import gauges
from tests.working import ROOT

from flights import marts
from flights.project import project as flights
from taxiway.broken import BrokenTable
from taxiway.errors import SettingsError
from taxiway.materialise import Workspace
from taxiway.orchestration import build_definitions
from taxiway.project_check import without_broken
from taxiway.project_loader import check_parameters, load_project
from taxiway.settings import Settings, load_settings
from taxiway.tables import Project


def settings_with(home: Path, **parameters: int) -> Settings:
    return load_settings("local", root=ROOT, home=home, parameters=parameters)


def test_what_a_transform_or_dbt_declares_is_a_parameter(tmp_path: Path) -> None:
    assert load_project(load_settings("local", root=ROOT, home=tmp_path)) is flights
    check_parameters(gauges.project, settings_with(tmp_path, high_cm=3))
    only_dbt = Project("marts", (), dbt=flights.dbt)
    check_parameters(only_dbt, settings_with(tmp_path, late_min=30))


def test_another_is_refused_with_the_nearest(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, late_mins=30)
    told = r"deployment 'local': parameters\.late_mins is declared by nothing in flights; did you mean late_min\?"
    with pytest.raises(SettingsError, match=told):
        load_project(settings)
    with pytest.raises(SettingsError, match=told):
        build_definitions(flights, settings)
    with pytest.raises(SettingsError, match=r"parameters\.xyz is declared by nothing in gauges; there are: high_cm"):
        check_parameters(gauges.project, settings_with(tmp_path, xyz=1))


def test_a_misspelt_one_is_refused_while_a_table_is_broken_and_what_may_be_its_own_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = replace(gauges.project, broken=(BrokenTable("feature/flood", "no such package"),))
    with pytest.raises(
        SettingsError, match=r"parameters\.hihg_cm is declared by nothing in gauges; did you mean high_"
    ):
        check_parameters(broken, settings_with(tmp_path, hihg_cm=1, xyz=1))
    caplog.clear()
    check_parameters(broken, settings_with(tmp_path, high_cm=1, xyz=1))
    (message,) = caplog.messages
    assert message == (
        "deployment 'local': whether anything declares parameters.xyz could not be checked, because feature/flood is "
        "broken"
    )


@pytest.mark.parametrize(("text", "told"), [(None, "is no dbt project"), ("vars: [", "dbt_project.yml is no YAML")])
def test_a_dbt_project_that_cannot_be_read_is_named(tmp_path: Path, text: str | None, told: str) -> None:
    if text is not None:
        (tmp_path / "dbt_project.yml").write_text(text)
    settings = settings_with(tmp_path / "home")
    project = replace(flights, dbt=tmp_path)
    check_parameters(project, settings)
    broken = without_broken(Workspace(project, settings)).project.broken
    assert {table.at for table in broken} == {mart.at for mart in marts.tables}
    assert all(told in table.problem for table in broken)
