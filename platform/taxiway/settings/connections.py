"""The databases and places that a deployment reaches by name, each with a URL that is a secret."""

import os
from collections.abc import Mapping
from types import MappingProxyType

from pydantic import SecretStr

from taxiway.errors import SettingsError
from taxiway.settings.secret import FILE, secret

PREFIX = "TAXIWAY_CONNECTION_"


def load_connections() -> Mapping[str, SecretStr]:
    """The URLs by name in lower case: of `TAXIWAY_CONNECTION_BI`, or of the file that `TAXIWAY_CONNECTION_BI_FILE`
    names, that of `bi`.

    Raises SettingsError where both are set, or the file cannot be read.
    """
    given = {name.removesuffix(FILE) for name in os.environ if is_connection(name)}
    found = {name.removeprefix(PREFIX).lower(): secret(name) for name in sorted(given)}
    return MappingProxyType({name: url for name, url in found.items() if url is not None})


def connection_variable(name: str) -> str:
    """The variable that holds the URL of a connection or, with `_FILE` at its end, names the file of it."""
    return f"{PREFIX}{name.upper()}"


def is_connection(variable: str) -> bool:
    """Whether a variable is called as one that holds the URL of a connection."""
    name = variable.removeprefix(PREFIX).removesuffix(FILE)
    return variable.startswith(PREFIX) and name.isidentifier() and name.isupper()


def connection_to(connections: Mapping[str, SecretStr], name: str) -> str:
    """The URL of a connection in the clear; raises SettingsError where the deployment has none of that name."""
    if name not in connections:
        variable = connection_variable(name)
        known = f"; there are: {', '.join(sorted(connections))}" if connections else ""
        raise SettingsError(
            f"the connection '{name}' is not set{known}: set {variable} to its URL, or {variable}{FILE} to a file "
            "that holds it"
        )
    return connections[name].get_secret_value()
