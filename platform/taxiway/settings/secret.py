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
            # What is no whole path may be the secret itself, put there by mistake; an error of the system repeats it.
            shown = f"{name}{FILE}={file}" if Path(file).is_absolute() else f"the file that {name}{FILE} names"
            reason = (isinstance(error, OSError) and error.strerror) or "it is no text"
            raise SettingsError(f"{shown} cannot be read ({reason}); name a file that holds the key") from None
    return SecretStr(value) if value else None
