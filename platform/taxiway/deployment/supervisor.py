"""The configuration of supervisor: what keeps the processes of a deployment running on this machine."""

import os
import re
import shlex
from collections.abc import Iterable
from pathlib import Path

from taxiway.deployment.layout import Layout
from taxiway.deployment.processes import Process
from taxiway.errors import DeploymentError

# Each try waits a second longer than the one before; it is never given up.
_TRIES = 1_000_000
# What begins a comment in the midst of a line, and what ends the line.
_CUTS = re.compile(r"\s[#;]|[\r\n]")


def socket(layout: Layout) -> Path:
    """Where supervisor is spoken to."""
    return layout.run / "supervisor.sock"


def log(layout: Layout, process: str) -> Path:
    """The log of a process."""
    return layout.stack / "logs" / f"{process}.log"


def render(layout: Layout, processes: Iterable[Process]) -> str:
    """supervisord.conf; nothing is started by itself, as each process waits for those that it needs."""
    run, logs = _quoted(socket(layout)), _quoted(layout.stack / "logs")
    # Said on purpose, so that supervisor does not warn of it.
    user = "user = root\n" if os.geteuid() == 0 else ""
    parts = [
        f"""\
[supervisord]
identifier = taxiway-{layout.deployment}
logfile = {logs}/supervisord.log
pidfile = {_quoted(pid_file(layout))}
directory = {_quoted(layout.root)}
umask = 077
{user}
[unix_http_server]
file = {run}
chmod = 0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl = unix://{run}
"""
    ]
    parts += [_program(layout, process, number) for number, process in enumerate(processes, 1)]
    return "\n".join(parts)


def pid_file(layout: Layout) -> Path:
    """Where supervisor writes its process id."""
    return layout.stack / "supervisord.pid"


def _program(layout: Layout, process: Process, number: int) -> str:
    account = layout.account(process.account)
    variables = ",".join(f"{name}={_in_marks(value)}" for name, value in process.variables.items())
    lines = [
        f"[program:{process.name}]",
        f"command = {_quoted(shlex.join(process.command))}",
        f"environment = {variables}",
        f"directory = {_quoted(layout.folder(process.name))}",
        *([f"user = {account}"] if account else []),
        # The last that was started is the first that is ended.
        f"priority = {number}",
        "autostart = false",
        f"autorestart = {'false' if process.once else 'true'}",
        f"startsecs = {0 if process.once else 1}",
        f"startretries = {_TRIES}",
        f"stopsignal = {process.stop}",
        f"stopwaitsecs = {process.stop_s}",
        f"stopasgroup = {'false' if process.ends_children else 'true'}",
        "killasgroup = true",
        f"stdout_logfile = {_quoted(log(layout, process.name))}",
        "stdout_logfile_maxbytes = 20MB",
        "stdout_logfile_backups = 3",
        "redirect_stderr = true",
    ]
    return "\n".join(lines) + "\n"


def _in_marks(value: str) -> str:
    """A variable's value in quotation marks, which supervisor takes from both ends; none can be within its own kind."""
    mark = "'" if '"' in value else '"'
    if mark in value or value.strip("'\"") != value:
        raise DeploymentError(f"supervisor cannot be given {value}: it has quotation marks of both kinds, or at an end")
    return f"{mark}{_quoted(value)}{mark}"


def _quoted(value: object) -> str:
    """A value in which supervisor replaces nothing; it has none of what would cut it off."""
    text = str(value)
    if _CUTS.search(text):
        raise DeploymentError(f"supervisor cannot be given {text!r}: it has a line's end, or # or ; after a space")
    return text.replace("%", "%%")
