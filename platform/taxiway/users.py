"""Who asks for a run: what that is called in tags, and how a process knows it.

Who logs in is known to nginx alone, which tells Dagster's webservers; at a shell it is the account of the system.
"""

import getpass
import os
from contextvars import ContextVar

USER_TAG = "taxiway/user"
"""The tag of a run, and of a backfill, that says who asked for it; what a schedule or a sensor starts has none."""

USER_HEADER = "x-forwarded-user"
"""The header in which nginx says who logged in; it lets nobody else say so."""

UNKNOWN = "unknown"
"""Whoever asked a webserver without passing nginx, which only accounts of the machine can."""

asking: ContextVar[str] = ContextVar("asking")
"""Who asks for what a webserver is doing."""


def account() -> str:
    """The account of the system that this process runs as."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # it has no name, as in some containers
        return str(os.getuid())
