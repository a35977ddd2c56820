"""A secret of the environment: in a variable, or in the file that one names."""

import os
from pathlib import Path

from pydantic import SecretStr

from taxiway.errors import SettingsError

FILE = "_FILE"
"""The end of a variable that names the file of a secret."""


def secret(name: str) -> SecretStr | None:
    """The value of a variable, or of the file that the variable with `_FILE` at its end names; None for neither.

    Raises SettingsError where both are set, or the file cannot be read.
    """
    value, file = os.environ.get(name), os.environ.get(f"{name}{FILE}")
    if value and file:
        raise SettingsError(f"{name} and {name}{FILE} are both set; unset one")
    if file:
        try:
            value = Path(file).read_text().strip()
        except (OSError, ValueError) as error:
            raise SettingsError(
                f"{name}{FILE}={file} cannot be read ({error}); name a file that holds the key"
            ) from None
    return SecretStr(value) if value else None
