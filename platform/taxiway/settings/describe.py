"""What settings there are, said for people and for editors, from the settings themselves."""

from typing import Any

from pydantic.fields import FieldInfo

from taxiway.settings.connections import PREFIX
from taxiway.settings.groups import SQLITE
from taxiway.settings.load import GROUPS, Settings, secret_settings

SHOWN_SECRET = "********"
# They say which file is read, so they do not stand in one.
_VARIABLES_ONLY = ("deployment", "root", "connections")

_HEAD = f"| variable | in the file | what it is | default | example |\n|{'---|' * 5}\n"
_INTRODUCTION = """\
# Settings

Written by `taxiway settings --markdown`; `taxiway settings` shows the values of a deployment and where each came from.

A value is that of the variable or, where that is not set, of `deployments/<name>/settings.toml`, or of
`deployments/settings.toml`, which all deployments share, or the default. Those that hold several values by name, as
`parameters`, are put together from all of these, name by name. What must be set has no default, so that no deployment
takes another's place by mistake: all that is missing or wrong is told in one error before anything starts, in every
process. What holds a password stands in no file of the project: the variable, or with `_FILE` at its end the
file that has it. Who reads and writes buckets is what Amazon's own variables say: `AWS_ACCESS_KEY_ID`,
`AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` (each or with `_FILE`), `AWS_ENDPOINT_URL`, `AWS_REGION`.

The first line of a file, `#:schema ../settings.schema.json`, lets editors complete and check it.
"""


def as_markdown() -> str:
    """The page of the documentation about settings: a table for each group, with each setting's variable, what it is
    for, its default and an example."""
    parts = [_INTRODUCTION]
    for group in GROUPS:
        rows = "".join(f"| {' | '.join(_row(name, field))} |\n" for name, field in group.model_fields.items())
        title = group.__name__.removesuffix("Settings")
        about = " ".join((group.__doc__ or "").split())
        parts.append(f"## {title}\n\n{about}\n\n{_HEAD}{rows}")
    return "\n".join(parts)


def _row(name: str, field: FieldInfo) -> tuple[str, ...]:
    variable = f"`{PREFIX}<NAME>`" if name == "connections" else f"`TAXIWAY_{name.upper()}`"
    variable += " or `…_FILE`" if name in (*secret_settings(), "connections") else ""
    in_file = "" if name in _VARIABLES_ONLY else f"`{name}`"
    return variable, in_file, str(field.description), _default(name, field), f"`{(field.examples or [''])[0]}`"


def _default(name: str, field: FieldInfo) -> str:
    if field.is_required():
        return "" if name in _VARIABLES_ONLY else "must be set"
    default = field.get_default(call_default_factory=True)
    return f"`{dict(default) if hasattr(default, 'items') else default}`" if default not in (None, "") else "none"


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a file of settings, for editors."""
    schema = Settings.model_json_schema()
    for name in _VARIABLES_ONLY:
        del schema["properties"][name]
    # What must be set may be a variable, or stand in the file that all deployments share.
    schema.pop("required", None)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Settings of a deployment"}


def shown(settings: Settings, name: str) -> str:
    """The value of a setting as it may be shown: secrets are not."""
    return SHOWN_SECRET if _is_secret(settings, name) else _text(getattr(settings, name))


def _is_secret(settings: Settings, name: str) -> bool:
    return name in secret_settings() and getattr(settings, name).get_secret_value() not in ("", SQLITE)


def _text(value: Any) -> str:
    if hasattr(value, "get_secret_value"):
        return value.get_secret_value()
    return str(dict(value)) if hasattr(value, "items") else str(value)
