"""Dagster's UI and daemon, as they are started for a deployment on one machine."""

import os
import signal
import socket
import sys
from typing import NoReturn

from taxiway.errors import UsageError
from taxiway.marts import DbtProject
from taxiway.orchestration.instance import open_instance
from taxiway.orchestration.ui_start import say, watch_start
from taxiway.project_loader import load_project
from taxiway.settings import Settings

# Its successor wants a project laid out in its own way.
_QUIET = "ignore:Function `dev_command` is superseded"


def start_ui(settings: Settings, *, host: str = "127.0.0.1", port: int = 3000) -> NoReturn:
    """Become `dagster dev` for the deployment, with what `workspace.yaml` in its root names; Ctrl-C ends it.

    Where runs are those of a queue, a daemon of its own takes them: then Dagster is only shown, by a webserver alone.
    Raises UsageError where the port is taken.
    """
    _see_that_it_is_free(host, port)
    say("loading the project")
    project = load_project(settings)
    if (dbt := DbtProject.of(project, settings)) is not None:
        if not dbt.is_prepared:
            say("dbt compiles the marts, which it does once for each state of their files")
        dbt.prepare()
    open_instance(settings).dispose()
    os.chdir(settings.root)
    workspace = str(settings.root / "workspace.yaml")
    shown = ("--host", host, "--port", str(port), "--workspace", workspace)
    if settings.runs == "queue":
        say(f"{settings.deployment} is only shown: whoever may change something there logs in to its own servers")
        command = ["-m", "taxiway.servers.webserver", *shown, "--read-only"]
    else:
        command = ["-W", _QUIET, "-m", "dagster", "dev", *shown]
    sys.stdout.flush()
    watch_start(f"http://{_reachable(host)}:{port}")
    # Dagster does on SIGTERM what it does on SIGINT, and a job in a shell's background is born ignoring that.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execv(sys.executable, [sys.executable, *command])


def _reachable(host: str) -> str:
    """A name under which this machine reaches the address that is listened to."""
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)


def _see_that_it_is_free(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UsageError(
                f"{host}:{port} cannot be used ({error.strerror}); choose another: make ui PORT={port + 1}"
            ) from None
