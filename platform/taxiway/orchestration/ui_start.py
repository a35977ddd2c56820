"""What Dagster's UI waits for while it starts, told to whoever started it."""

import json
import os
import select
import signal
import sys
import time
import traceback
from urllib.error import URLError
from urllib.request import Request, urlopen

BOUND_S = 300
"""How long the start is watched; Dagster itself goes on."""

_EVERY_S = 5
_LOOK_S = 0.5
_QUERY = """{ workspaceOrError { ... on Workspace { locationEntries { loadStatus
    locationOrLoadError { ... on PythonError { message } } } } } }"""
_WEB_SERVER, _DEFINITIONS = "Dagster's web server", "the project's definitions to load"


def watch_start(url: str, *, bound: float = BOUND_S) -> None:
    """Have a process of its own say on stderr what the UI at `url` waits for.

    It says so at once and every few seconds, until the UI answers with the project loaded, this process is gone, or
    `bound` seconds are over. This process may become another program meanwhile.
    """
    # Held open by what this process becomes, so that its end is the end of the pipe.
    ended, alive = os.pipe()
    os.set_inheritable(alive, True)
    sys.stdout.flush()
    sys.stderr.flush()
    # Twice, so that it is nobody's child: what this process becomes would leave it as a zombie.
    first = os.fork()
    if first:
        os.waitpid(first, 0)
        os.close(ended)
        return
    try:
        if os.fork() == 0:
            os.close(alive)
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            _watch(url, ended, bound)
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(0)


def _watch(url: str, ended: int, bound: float) -> None:
    began, told = time.monotonic(), -float(_EVERY_S)
    while True:
        waiting = waits_for(url)
        seconds = time.monotonic() - began
        if not waiting:
            say(f"{url} answers, after {seconds:.0f} s; Ctrl-C ends it")
            return
        if seconds >= bound:
            say(f"{url} does not answer after {seconds:.0f} s, it still waits for {waiting}; see the log above")
            return
        if seconds - told >= _EVERY_S:
            told = seconds
            say(f"waiting for {waiting} ({seconds:.0f} s)")
        if select.select([ended], [], [], _LOOK_S)[0]:
            return


def waits_for(url: str) -> str:
    """What the UI waits for, in words; empty where it answers and has loaded the project, or cannot load it."""
    request = Request(f"{url}/graphql", json.dumps({"query": _QUERY}).encode(), {"content-type": "application/json"})
    try:
        with urlopen(request, timeout=_EVERY_S) as response:
            entries = json.load(response)["data"]["workspaceOrError"]["locationEntries"]
    except (URLError, OSError, ValueError, KeyError, TypeError):
        return _WEB_SERVER
    # A location that cannot be loaded has an error to show, which the UI does.
    loaded = entries and all(entry["loadStatus"] == "LOADED" for entry in entries)
    return "" if loaded else _DEFINITIONS


def say(text: str) -> None:
    """Tell on stderr, where nothing that reads the output looks."""
    print(f"taxiway ui: {text}", file=sys.stderr, flush=True)
