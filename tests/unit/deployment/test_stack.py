"""What a start sees before anything is started, and what is made for it."""

import os
import socket
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr
from tests.unprivileged import NOBODY
from tests.working import ROOT

from taxiway.deployment import Layout, prepare, processes
from taxiway.deployment.members import session
from taxiway.deployment.oidc import OpenIdConnect, configuration, prepare_oidc
from taxiway.deployment.owner import note_whose_it_is
from taxiway.deployment.prepare import short_run_folder
from taxiway.deployment.secret_files import private_file, private_folder, secret
from taxiway.deployment.stack import Stack
from taxiway.errors import SettingsError, UsageError

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


def test_a_home_with_servers_of_another_deployment_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"
    found = stack(home)
    private_folder(found.layout.stack)
    note_whose_it_is(found.layout.stack, "production")
    # Asked for in whatever way: to start, to end, to be looked at.
    with pytest.raises(
        SettingsError, match=f"^TAXIWAY_HOME={home} has the servers of deployment 'production', and 'st"
    ):
        stack(home)
    with pytest.raises(SettingsError, match="has the servers of deployment 'production'"):
        found.start(print)
    with pytest.raises(SettingsError, match="has the servers of deployment 'production'"):
        prepare.prepare(found.layout, found.processes)
    assert [file.name for file in found.layout.stack.iterdir()] == ["deployment"], "nothing is made"
    assert Stack("production", ROOT, home, 9443).layout.home == home


@pytest.fixture
def deep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of servers whose path is too long for sockets; short ones are made in that of the test."""
    monkeypatch.setattr(prepare, "_SHORT", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "of-the-session"))
    return tmp_path / DEEP / "stack"


def run_of(deep: Path) -> Path:
    return Layout.here("staging", ROOT, deep.parent, 8443).run


def test_sockets_lie_in_a_short_folder(tmp_path: Path, deep: Path) -> None:
    short_run_folder(deep)
    made = run_of(deep)
    assert made.parent == tmp_path
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    short_run_folder(deep)
    assert run_of(deep) == made, "it is remembered"
    made.rmdir()
    short_run_folder(deep)
    assert run_of(deep).is_dir(), "it is made anew, as after a restart"
    shallow = Path("/tmp/short/stack")
    short_run_folder(shallow)
    assert not shallow.parent.exists()


@pytest.mark.parametrize("by", ["link", "writable", "other"])
def test_what_another_has_put_in_its_place_is_not_used(tmp_path: Path, deep: Path, by: str) -> None:
    short_run_folder(deep)
    made = run_of(deep)
    made.rmdir()
    if by == "link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        made.symlink_to(tmp_path / "elsewhere")
    else:
        made.mkdir(mode=0o700)
        if by == "writable":
            made.chmod(0o777)
        elif os.geteuid() == 0:
            os.chown(made, NOBODY, NOBODY)
        else:
            pytest.skip("only root can make a folder another's")
    short_run_folder(deep)
    assert (deep / "run").readlink() != made
    assert (deep / "run").readlink().lstat().st_uid == os.geteuid()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a socket another's")
@pytest.mark.timeout(60)
def test_a_socket_of_another_account_is_not_spoken_to(tmp_path: Path) -> None:
    found = stack(tmp_path / "home")
    private_folder(found.layout.run)
    place = found.layout.run / "supervisor.sock"
    with socket.socket(socket.AF_UNIX) as listening, at(found.layout.run):
        listening.bind(place.name)
        listening.listen()
        os.chown(place, NOBODY, NOBODY)
        # It would be waited for without end.
        assert not found.is_started()


@contextmanager
def at(folder: Path) -> Iterator[None]:
    """The block in a folder, from which paths are short."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def test_a_supervisor_of_another_deployment_is_not_taken_for_its_own(tmp_path: Path) -> None:
    own, other = tmp_path / "own" / "supervisord.conf", tmp_path / "other" / "supervisord.conf"
    for configuration_file in (own, other):
        configuration_file.parent.mkdir()
        configuration_file.touch()
    waits = [sys.executable, "-c", "input()", "supervisord", "-c"]
    with subprocess.Popen([*waits, own], stdin=subprocess.PIPE) as supervisor:
        for configuration_file in (own, other):
            configuration_file.with_name("supervisord.pid").write_text(str(supervisor.pid))
        found = [session(file.with_name("supervisord.pid")) for file in (own, other)]
        linked = tmp_path / "linked"
        linked.symlink_to(own.parent)
        found.append(session(linked / "supervisord.pid"))
        supervisor.kill()
    assert found == [supervisor.pid, None, supervisor.pid]


def test_a_connection_is_kept_in_a_file_of_the_code_location_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAXIWAY_CONNECTION_BI", "postgresql://bi:planted@host/bi")
    found = stack(tmp_path / "home")
    found._look_where_all_lies(connections=["bi"])
    folder = private_folder(found.layout.folder("code-flights"))
    (folder / "connection-gone").touch()
    given = {process.name: process.variables for process in found.processes}
    for process in found.processes:
        private_folder(found.layout.folder(process.name))
        prepare._give_connections(found.layout, process, {"bi": SecretStr("postgresql://bi:planted@host/bi")})
    assert [str(file) for file in found.layout.stack.rglob("connection-*")] == [
        given["code-flights"]["TAXIWAY_CONNECTION_BI_FILE"]
    ]
    assert (folder / "connection-bi").read_text() == "postgresql://bi:planted@host/bi"
    assert stat.S_IMODE((folder / "connection-bi").stat().st_mode) == 0o600
    assert "planted" not in str(given)


def test_each_door_of_the_bucket_s_server_has_a_key(tmp_path: Path) -> None:
    layout = stack(tmp_path / "home").layout
    for folder in (layout.folder("s3"), layout.secrets):
        private_folder(folder)
    prepare._prepare_s3(layout)
    security = tomllib.loads((layout.folder("s3") / "security.toml").read_text())
    signing, filer = security["jwt"]["signing"], security["jwt"]["filer_signing"]
    keys = [signing["key"], signing["read"]["key"], filer["key"], filer["read"]["key"]]
    assert min(map(len, keys)) >= 32
    assert len(set(keys)) == 4
    grpc = security["grpc"]
    assert grpc.keys() == {"ca", "master", "volume", "filer", "s3", "client"}
    before = Path(grpc["ca"]).read_text()
    checked = ["openssl", "verify", "-CAfile", grpc["ca"], grpc["s3"]["cert"]]
    assert subprocess.run(checked, capture_output=True, check=False).returncode == 0
    assert {stat.S_IMODE(Path(grpc[part]["key"]).stat().st_mode) for part in grpc.keys() - {"ca"}} == {0o600}
    prepare._prepare_s3(layout)
    assert Path(grpc["ca"]).read_text() == before, "it is made once"
    (command,) = [process.command for process in processes(layout) if process.name == "s3"]
    assert "-disableHttp=true" in command, "the master gives tokens to whoever asks by HTTP"


def test_nothing_of_a_log_in_that_is_no_more_stays(tmp_path: Path) -> None:
    layout = stack(tmp_path / "home").layout
    private_folder(layout.secrets)
    prepare_oidc(layout, OpenIdConnect("https://login.example.org", "taxiway", "hush", "engineers"))
    folder = configuration(layout).parent
    assert len(list(folder.iterdir())) == 3
    prepare_oidc(layout, None)
    assert list(folder.iterdir()) == []


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
