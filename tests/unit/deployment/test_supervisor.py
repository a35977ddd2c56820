"""supervisor's configuration, as supervisor itself reads it."""

import os
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.working import ROOT, unavailable

from taxiway.deployment import Layout, Process, processes, supervisor
from taxiway.errors import DeploymentError

ODD = "a 100% odd; place, isn't it"


def read(layout: Layout, listed: tuple[Process, ...]) -> dict[str, Any]:
    try:
        from supervisor.options import ServerOptions
    except ImportError:
        unavailable("supervisor is not installed: make setup-staging")
    (layout.stack / "logs").mkdir(parents=True)
    layout.run.mkdir(exist_ok=True)
    for process in listed:
        layout.folder(process.name).mkdir()
    file = layout.stack / "supervisord.conf"
    file.write_text(supervisor.render(layout, listed))
    options = ServerOptions()
    options.realize(["-c", str(file)], doc="")
    return {config.name: config for group in options.process_group_configs for config in group.process_configs}


@pytest.fixture
def placed(tmp_path: Path) -> tuple[Layout, tuple[Process, ...]]:
    """Processes whose paths have what a configuration file may take for its own."""
    layout = Layout.here("staging", ROOT, tmp_path / "it's home", 8443)
    layout = replace(layout, root=tmp_path / ODD)
    layout.root.mkdir()
    return layout, processes(layout, {"TAXIWAY_MEMORY_LIMIT": "2 GB", "TAXIWAY_PARAMETERS": '{"late_min": 30}'})


def test_supervisor_reads_what_the_list_says(placed: tuple[Layout, tuple[Process, ...]]) -> None:
    layout, listed = placed
    found = read(layout, listed)
    assert list(found) == [process.name for process in listed]
    for process in listed:
        config = found[process.name]
        assert tuple(shlex.split(config.command)) == process.command
        assert {name: value for name, value in config.environment.items() if "SUPERVISOR" not in name} == dict(
            process.variables
        )
        assert config.stdout_logfile == str(supervisor.log(layout, process.name))
        assert config.priority == listed.index(process) + 1
        assert not config.autostart
        assert bool(config.autorestart) is not process.once


def test_only_what_need_not_be_root_is_given_another_account(
    placed: tuple[Layout, tuple[Process, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    layout, listed = placed
    assert "user =" in supervisor.render(layout, listed) or os.geteuid() != 0
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "user =" not in supervisor.render(layout, listed)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    accounts = [line for line in supervisor.render(layout, listed).splitlines() if line.startswith("user = ")]
    assert accounts == ["user = root", "user = postgres", "user = www-data"]


def test_a_value_that_cannot_be_written_is_refused(placed: tuple[Layout, tuple[Process, ...]]) -> None:
    layout, listed = placed
    marks = "'\""
    broken = replace(listed[0], variables={"TAXIWAY_HOME": f"a{marks}b"})
    with pytest.raises(DeploymentError, match=f"cannot be given a{marks}b: it has quotation marks of both kinds"):
        supervisor.render(layout, [broken])


@pytest.mark.parametrize("cut", ["a #b", "a ;b", "a\t#b", "a\nuser = root", "a\rb"])
def test_what_supervisor_would_cut_off_is_refused(placed: tuple[Layout, tuple[Process, ...]], cut: str) -> None:
    layout, listed = placed
    for broken in (
        replace(listed[0], variables={"TAXIWAY_PARAMETERS": cut}),
        replace(listed[0], command=(*listed[0].command, cut)),
    ):
        with pytest.raises(DeploymentError, match="it has a line's end, or # or ; after a space"):
            supervisor.render(layout, [broken])
    with pytest.raises(DeploymentError, match="it has a line's end, or # or ; after a space"):
        supervisor.render(replace(layout, root=layout.root / cut), listed)
