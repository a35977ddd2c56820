"""Who starts the UI is told what it waits for, until it answers."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from socket import socket
from threading import Thread

from taxiway.orchestration.ui_start import waits_for

LOADING = [{"loadStatus": "LOADING", "locationOrLoadError": None}]
LOADED = [{"loadStatus": "LOADED", "locationOrLoadError": {}}]


@contextmanager
def dagster(entries: list[dict[str, object]]) -> Iterator[str]:
    """A web server that says this of its code locations."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"data": {"workspaceOrError": {"locationEntries": entries}}}).encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def nobody() -> str:
    """An address at which nobody listens."""
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def watched(url: str, until: str, *, bound: float = 60) -> list[str]:
    """What is said of the start by a process that becomes another program, which ends when a line says `until`."""
    become = "os.execv(sys.executable, [sys.executable, '-c', 'import sys; sys.stdin.read()'])"
    watch = (
        f"import os, sys; from taxiway.orchestration.ui_start import watch_start; watch_start({url!r}, bound={bound})"
    )
    command = [sys.executable, "-c", f"{watch}; {become}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        said: list[str] = []
        while not said or until not in said[-1]:
            said.append(process.stderr.readline())
            assert said[-1], said
        process.stdin.close()
        # The pipe ends when all who hold it have: the watcher too.
        return [line.strip() for line in [*said, *process.stderr]]


def test_what_is_waited_for_is_the_web_server_then_the_project() -> None:
    assert waits_for(nobody()) == "Dagster's web server"
    with dagster(LOADING) as url:
        assert waits_for(url) == "the project's definitions to load"
    with dagster([]) as url:
        assert waits_for(url) == "the project's definitions to load"
    with dagster(LOADED) as url:
        assert waits_for(url) == ""


WAITING = re.compile(r"taxiway ui: waiting for Dagster's web server \(\d+ s\)")


def test_it_says_so_when_the_ui_answers_though_the_process_has_become_another() -> None:
    with dagster(LOADED) as url:
        (said,) = watched(url, " answers")
    assert said.startswith(f"taxiway ui: {url} answers, after ")


def test_it_gives_up_after_its_bound() -> None:
    url = nobody()
    *told, gave_up = watched(url, "does not answer", bound=1)
    assert all(WAITING.fullmatch(line) for line in told)
    assert re.search(rf"{url} does not answer after \d+ s, it still waits for Dagster's web server", gave_up)


def test_it_ends_with_the_process_that_was_started() -> None:
    said = watched(nobody(), "waiting")
    assert said
    assert all(WAITING.fullmatch(line) for line in said)
