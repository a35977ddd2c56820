"""A deployment on this machine: started in order, watched while it starts, looked at, ended."""

import fcntl
import importlib.util
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any
from xmlrpc.client import Error as RpcError
from xmlrpc.client import ServerProxy

from pydantic import SecretStr

from taxiway.deployment import supervisor
from taxiway.deployment.layout import Layout
from taxiway.deployment.oidc import PROCESS as OAUTH2_PROXY
from taxiway.deployment.oidc import OpenIdConnect, configuration
from taxiway.deployment.owner import see_whose_it_is
from taxiway.deployment.prepare import prepare, short_run_folder
from taxiway.deployment.processes import Process, processes
from taxiway.errors import DeploymentError, UsageError
from taxiway.settings import LoginSettings, Settings

ANSWERS_S = 240
"""For so long a process is waited for, on a busy machine."""

_SUPERVISOR_S, _ORPHANS_S = 30, 20
_LOOK_S = 0.2
_LOG_LINES = 12
# What a shell has beside is not what the processes are meant to have.
_ITS_OWN = frozenset(
    {
        *("deployment", "root", "home", "lake", "landing", "s3", "dagster_storage", "port"),
        # Their URLs are secrets, so they are files, and no variables.
        *("connections", *LoginSettings.model_fields),
    }
)
_PASSED_ON = ("PATH", "PYTHONPATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")

Tell = Callable[[str], None]


@dataclass(frozen=True)
class State:
    """What a process does: `running`, `done` for one that does its work and ends, or supervisor's word for it."""

    name: str
    pid: int | None
    state: str
    since: datetime | None
    address: str

    @property
    def is_well(self) -> bool:
        """Whether it is as it should be."""
        return self.state in {"running", "done"}


class Stack:
    """The processes of a deployment on this machine."""

    def __init__(self, deployment: str, root: Path, home: Path, port: int) -> None:
        """Looks where everything lies; makes nothing. Raises SettingsError."""
        self._where = (deployment, root, home, port)
        self._look_where_all_lies()

    def start(
        self,
        tell: Tell,
        oidc: OpenIdConnect | None = None,
        connections: Mapping[str, SecretStr] = MappingProxyType({}),
    ) -> None:
        """Start everything in order, telling each process that answers; people log in with `oidc`, or with passwords.

        The code locations are given the URLs of `connections`, by name.

        Raises DeploymentError, with the end of its log, for the first that does not within four minutes, UsageError
        where a program is missing or a port is taken; then nothing that was started is left.
        """
        look = partial(self._look_where_all_lies, by_oidc=oidc is not None, connections=tuple(connections))
        look()
        self._see_that_it_can_start()
        with self._alone():
            # What is left of one whose supervisor was killed.
            self.stop()
            self._see_that_ports_are_free()
            short_run_folder(self.layout.stack)
            look()
            prepare(self.layout, self.processes, oidc, connections)
            self._kept_port.write_text(str(self.layout.port))
            try:
                self._launch_supervisor()
                self._start_in_order(tell)
            except BaseException:
                self.stop()
                raise

    def is_started(self) -> bool:
        """Whether it has been started, and not ended since."""
        return self._rpc() is not None

    def states(self) -> Sequence[State]:
        """What each process does."""
        rpc = self._rpc()
        found = {info["name"]: info for info in rpc.getAllProcessInfo()} if rpc is not None else {}
        return [self._state(process, found.get(process.name)) for process in self.processes]

    def stop(self) -> int:
        """End everything, the last that was started first, and by force what does not end; returns how many ended.

        Runs that are underway are ended too, and say so. Raises DeploymentError where a process outlives it.
        """
        from taxiway.deployment.members import end, members, session

        number = session(supervisor.pid_file(self.layout))
        found = members(number)
        rpc = self._rpc()
        if rpc is not None:
            with suppress(OSError, RpcError):
                rpc.shutdown()
        ended_by_supervisor = sum(process.stop_s for process in self.processes) if rpc is not None else 0
        end([process for process in found if process.pid == number], wait_s=ended_by_supervisor)
        # What had lost its parent, as runs whose code location was killed.
        left = end({*found, *members(number)}, wait_s=_ORPHANS_S, told=True)
        if left:
            raise DeploymentError(f"processes of {self.layout.deployment} do not end: {', '.join(map(str, left))}")
        return len(found)

    def _look_where_all_lies(self, *, by_oidc: bool | None = None, connections: Collection[str] = ()) -> None:
        """What there is; where nobody says so, how people log in is as it was at the last start.

        One that runs has the ports that it was started with, whatever the settings of this shell say.
        """
        self.layout = Layout.here(*self._where)
        see_whose_it_is(self.layout.stack, self.layout.deployment)
        if self.is_started() and self._kept_port.is_file():
            self.layout = replace(self.layout, port=int(self._kept_port.read_text()))
        if by_oidc is None:
            by_oidc = configuration(self.layout).is_file()
        self.processes = processes(self.layout, _passed_on_settings(), by_oidc=by_oidc, connections=connections)

    @property
    def _kept_port(self) -> Path:
        return self.layout.stack / "port"

    def _see_that_it_can_start(self) -> None:
        deployment = self.layout.deployment
        missing = [
            package
            for process in self.processes
            if shutil.which(process.command[0]) is None
            or ("openssl" in process.packages and not shutil.which("openssl"))
            for package in process.packages
        ]
        if missing:
            raise UsageError(f"{deployment} needs programs that are not installed: apt-get install {' '.join(missing)}")
        packages = [name for name in ("supervisor", "psutil", "dagster_postgres") if not importlib.util.find_spec(name)]
        if packages or not (self.layout.python / "weed").is_file():
            raise UsageError(f"{deployment} needs Python packages that are not installed: make setup-staging")
        if any(each.name == OAUTH2_PROXY and shutil.which(each.command[0]) is None for each in self.processes):
            raise UsageError(f"log-in by OpenID Connect needs oauth2-proxy, which Go builds: make {OAUTH2_PROXY}")

    def _see_that_ports_are_free(self) -> None:
        layout = self.layout
        for process in self.processes:
            for part in process.ports:
                address = "0.0.0.0" if process.name == "nginx" else layout.listen
                if not _is_free(address, layout.ports[part]):
                    raise UsageError(
                        f"port {layout.ports[part]}, for {part}, is taken; choose another first of "
                        f"{len(layout.ports)} ports: --port {layout.port + len(layout.ports)} (PORT= for make)"
                    )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """The block, while nobody else starts the same deployment."""
        self.layout.home.mkdir(parents=True, exist_ok=True)
        with (self.layout.home / ".start").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DeploymentError(f"{self.layout.deployment} is being started by another process") from None
            yield

    def _launch_supervisor(self) -> None:
        layout = self.layout
        command = [str(layout.python / "supervisord"), "-c", str(layout.stack / "supervisord.conf")]
        passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        done = subprocess.run(
            command, cwd=layout.root, env=passed_on, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        until = time.monotonic() + _SUPERVISOR_S
        while done.returncode == 0 and time.monotonic() < until:
            if self._rpc() is not None:
                return
            time.sleep(_LOOK_S)
        told = done.stderr.decode(errors="replace").strip() or "it does not answer"
        raise DeploymentError(f"supervisor did not start: {told}; see {layout.stack / 'logs' / 'supervisord.log'}")

    def _start_in_order(self, tell: Tell) -> None:
        """Start each process as soon as those that it needs answer, and tell when it does."""
        rpc = self._rpc()
        waiting, began, ready = list(self.processes), dict[str, float](), set[str]()
        while len(ready) < len(self.processes):
            for process in [process for process in waiting if ready.issuperset(process.needs)]:
                waiting.remove(process)
                rpc.startProcess(process.name, False)
                began[process.name] = time.monotonic()
            for process in [process for process in self.processes if process.name in began.keys() - ready]:
                seconds = time.monotonic() - began[process.name]
                if self._is_ready(process, rpc.getProcessInfo(process.name), seconds):
                    ready.add(process.name)
                    tell(f"{process.name} {'is done' if process.once else 'answers'} after {seconds:.1f} s")
            time.sleep(_LOOK_S)

    def _is_ready(self, process: Process, info: Mapping[str, Any], seconds: float) -> bool:
        """Whether a process answers, or has done its work. Raises DeploymentError where it has ended or is too late."""
        state = info["statename"]
        if process.once and state == "EXITED" and info["exitstatus"] == 0:
            return True
        if state in {"BACKOFF", "EXITED", "FATAL"}:
            raise self._failed(process, f"ended ({info['spawnerr'] or info['description']})")
        if state == "RUNNING" and process.answers.answers(info["start"]):
            return True
        if seconds > ANSWERS_S:
            raise self._failed(process, f"does not answer after {seconds:.0f} s")
        return False

    def _failed(self, process: Process, how: str) -> DeploymentError:
        log = supervisor.log(self.layout, process.name)
        lines = log.read_text(errors="replace").splitlines()[-_LOG_LINES:] if log.is_file() else []
        shown = "".join(f"\n  {line}" for line in lines)
        return DeploymentError(f"{process.name} {how}; all is ended again. The end of its log, {log}:{shown}")

    def _rpc(self) -> Any:
        """Supervisor, to be spoken to; None where it does not answer."""
        path = supervisor.socket(self.layout)
        # In a short folder that was emptied, as by a restart of the machine, another account may have made one.
        if not path.is_socket() or path.stat().st_uid not in {os.geteuid(), self.layout.stack.stat().st_uid}:
            return None
        from supervisor.xmlrpc import SupervisorTransport  # pyright: ignore[reportMissingImports]

        transport = SupervisorTransport(None, None, serverurl=f"unix://{path}")
        rpc = ServerProxy("http://127.0.0.1", transport=transport).supervisor
        try:
            rpc.getState()
        except (OSError, RpcError):
            return None
        return rpc

    def _state(self, process: Process, info: Mapping[str, Any] | None) -> State:
        ports = self.layout.ports
        address = (
            f"127.0.0.1:{ports[process.ports[0]]}" if process.ports else process.answers.address.removeprefix("unix:")
        )
        address = "" if process.answers.kind == "heartbeats" else address
        if info is None:
            return State(process.name, None, "stopped", None, address)
        is_done = process.once and info["statename"] == "EXITED" and info["exitstatus"] == 0
        is_running = info["statename"] == "RUNNING"
        word = "done" if is_done else info["statename"].lower()
        moment = info["start"] if is_running else info["stop"]
        since = datetime.fromtimestamp(moment, UTC) if moment else None
        return State(process.name, info["pid"] or None, word, since, address)


def _passed_on_settings() -> dict[str, str]:
    """What the shell sets for the deployment, but for what follows from where its servers are."""
    names = [f"TAXIWAY_{name.upper()}" for name in Settings.model_fields if name not in _ITS_OWN]
    return {name: os.environ[name] for name in names if os.environ.get(name)}


def _is_free(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except (OSError, OverflowError):
            return False
    return True
