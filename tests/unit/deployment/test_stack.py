"""What a start sees before anything is started, and what is made for it."""

import socket
import stat
from pathlib import Path

import pytest
from tests.working import ROOT

from taxiway.deployment import Layout
from taxiway.deployment.prepare import short_run_folder
from taxiway.deployment.secret_files import private_file, secret
from taxiway.deployment.stack import Stack
from taxiway.errors import UsageError

DEEP = "a-folder-of-thirty-characters/" * 3


def stack(home: Path, port: int = 8443) -> Stack:
    return Stack("staging", ROOT, home, port)


def test_a_port_that_is_taken_is_told_with_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=rf"^port {port}, for postgres, is taken; choose another .*--port \d+"):
            stack(tmp_path / "home", port - 3)._see_that_ports_are_free()


def test_programs_that_are_missing_are_told_with_the_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = stack(tmp_path / "home")
    monkeypatch.setattr("shutil.which", lambda program: None if "nginx" in program else program)
    with pytest.raises(UsageError, match="programs that are not installed: apt-get install nginx openssl"):
        found._see_that_it_can_start()


def test_nothing_is_made_by_looking(tmp_path: Path) -> None:
    states = stack(tmp_path / "home").states()
    assert {state.state for state in states} == {"stopped"}
    assert not any(state.is_well for state in states)
    assert not (tmp_path / "home").exists()
    assert stack(tmp_path / "home").stop() == 0


def test_sockets_lie_in_a_short_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    deep = tmp_path / DEEP / "stack"
    short_run_folder(deep)
    made = Layout.here("staging", ROOT, deep.parent, 8443).run
    assert made.parent == tmp_path
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    short_run_folder(deep)
    assert Layout.here("staging", ROOT, deep.parent, 8443).run == made, "it is remembered"
    made.rmdir()
    short_run_folder(deep)
    assert Layout.here("staging", ROOT, deep.parent, 8443).run.is_dir(), "it is made anew, as after a restart"
    shallow = Path("/tmp/short/stack")
    short_run_folder(shallow)
    assert not shallow.parent.exists()


def test_a_secret_is_made_once_and_is_its_owner_s_alone(tmp_path: Path) -> None:
    made = secret(tmp_path, "one")
    assert len(made) >= 32
    assert secret(tmp_path, "one") == made
    assert secret(tmp_path, "other") != made
    private_file(tmp_path / "again", "first")
    private_file(tmp_path / "again", "second")
    assert (tmp_path / "again").read_text() == "second"
    modes = {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert modes == {0o600}
    assert sorted(file.name for file in tmp_path.iterdir()) == ["again", "one", "other"]
