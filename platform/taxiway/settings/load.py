"""Loading the settings of a deployment, with every missing or wrong value in one message."""

import os
import tomllib
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings import SettingsError as EnvironmentUnreadable

from taxiway.errors import SettingsError
from taxiway.settings.buckets import load_s3
from taxiway.settings.groups import (
    UNSAFE_IN_PATHS,
    CalendarSettings,
    DagsterSettings,
    EngineSettings,
    LakeSettings,
    LandingSettings,
    ProjectSettings,
)
from taxiway.spelling import nearest
from taxiway.storage import S3, Store

_PREFIX = "TAXIWAY_"
# Read by the suite, not by the platform.
_OF_TESTS = frozenset({"REQUIRE", "SOAK"})


def project_root() -> Path:
    """The folder that holds `deployments/`: `TAXIWAY_ROOT`, or the nearest one above the working
    directory, or the checkout that this package is installed from. Raises SettingsError where there is none.
    """
    named = os.environ.get("TAXIWAY_ROOT")
    here = Path.cwd()
    for folder in [Path(named)] if named else [here, *here.parents, Path(__file__).parents[3]]:
        if (folder / "deployments").is_dir():
            return folder.resolve()
    raise SettingsError(
        f"no deployments/ folder in {named or here} or above it; start in the project or set TAXIWAY_ROOT"
    )


def _located(given: Store, default: Path, s3: S3) -> Store:
    uri = given.uri or str(default)
    return Store(uri, None if Store(uri).is_folder else given.s3 or s3)


class Settings(DagsterSettings, CalendarSettings, EngineSettings, LandingSettings, LakeSettings, ProjectSettings):
    """Everything that differs between deployments, and the constants of the business.

    `lake` and `landing` are a folder, below `home` by default, or `s3://bucket/prefix`, which is reached as `s3` and
    Amazon's usual variables say.
    """

    model_config = SettingsConfigDict(
        frozen=True, arbitrary_types_allowed=True, env_prefix=_PREFIX, env_ignore_empty=True, extra="forbid"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given stands instead of what the environment says, and that wins over the deployment's file, unless
        a variable is empty."""
        given = init_settings()
        file = TomlConfigSettingsSource(settings_cls, _file(given["root"], given["deployment"]))
        others = (env_settings(), file(), _defaults(**given))
        left = ({name: value for name, value in source.items() if name not in given} for source in others)
        return init_settings, *(InitSettingsSource(settings_cls, source) for source in left)


def load_settings(deployment: str | None = None, **overrides: Any) -> Settings:
    """The settings of a deployment (that of `TAXIWAY_DEPLOYMENT` where none is asked for, by default `local`).

    `overrides` win over the environment, and that over the deployment's file. Raises SettingsError with every missing
    or wrong value in one message, and for a `TAXIWAY_*` variable that means nothing.
    """
    _refuse_unknown_variables()
    _refuse_partial_home()
    name = deployment or os.environ.get("TAXIWAY_DEPLOYMENT", "local")
    root = Path(overrides.pop("root", None) or project_root())
    file = _file(root, name)
    if not name.isidentifier() or not file.is_file():
        known = sorted(path.parent.name for path in (root / "deployments").glob("*/settings.toml"))
        raise SettingsError(f"deployment '{name}' has no settings; TAXIWAY_DEPLOYMENT is one of {', '.join(known)}")
    try:
        settings = Settings(deployment=name, root=root, **overrides)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file.relative_to(root)}: {error}") from None
    except ValidationError as error:
        problems = "; ".join(dict.fromkeys(_problem(item) for item in error.errors()))
        raise SettingsError(f"deployment '{name}': {problems}") from None
    except EnvironmentUnreadable as error:
        raise SettingsError(f"deployment '{name}': {error}; in a variable, parameters are one JSON object") from None
    home = (root / settings.home).resolve()
    if home == root.resolve():
        raise SettingsError(
            f"deployment '{name}': home: {home} is the project's own folder, which tables would fill; set TAXIWAY_HOME "
            "to another, or unset it for the default"
        )
    unsafe = sorted(set(str(home)) & UNSAFE_IN_PATHS)
    if unsafe:
        raise SettingsError(
            f"deployment '{name}': home: {home} contains {' '.join(unsafe)}, which readers of data files take for a "
            "pattern or an escape; set TAXIWAY_HOME to a folder without"
        )
    s3 = load_s3({**settings.s3})
    lake, landing = _located(settings.lake, home / "lake", s3), _located(settings.landing, home / "landing", s3)
    if f"{lake}/".startswith(f"{landing}/") or f"{landing}/".startswith(f"{lake}/"):
        raise SettingsError(
            f"deployment '{name}': the lake {lake} and the landing zone {landing} lie in one another; set TAXIWAY_LAKE "
            "or TAXIWAY_LANDING to a place of its own"
        )
    return settings.model_copy(
        update={
            "home": home,
            "lake": lake,
            "landing": landing,
            "parameters": MappingProxyType(dict(settings.parameters)),
            "spark": MappingProxyType(dict(settings.spark)),
        }
    )


def _file(root: Path, deployment: str) -> Path:
    return root / "deployments" / deployment / "settings.toml"


def _defaults(*, root: Path, deployment: str, **_: Any) -> dict[str, Any]:
    return {"home": root / ".taxiway"} if deployment == "local" else {}


def _refuse_partial_home() -> None:
    """Raise for a TAXIWAY_HOME that is no whole path: it would be another folder from another working directory."""
    for name in [name for name in os.environ if name.upper() == f"{_PREFIX}HOME"]:
        given = os.environ[name]
        if given and not Path(given).is_absolute():
            meant = Path(given).expanduser().absolute()
            raise SettingsError(f"{name}={given} is no whole path; write {name}={meant}, or unset it for the default")


def _refuse_unknown_variables() -> None:
    """Raise for a variable that looks like a setting and is none: it would be ignored, and the default used."""
    known = [name.upper() for name in Settings.model_fields]
    given = [name for name in sorted(os.environ) if name.upper().startswith(_PREFIX)]
    unknown = [name for name in given if name.upper().removeprefix(_PREFIX) not in {*known, *_OF_TESTS}]
    if unknown:
        meant = {name: nearest(name[len(_PREFIX) :].upper(), known, _PREFIX) for name in unknown}
        told = (f"the variable {name} is no setting: rename or unset it; {names}" for name, names in meant.items())
        raise SettingsError("; ".join(told))


def _problem(item: Any) -> str:
    if not item["loc"]:
        return str(item["ctx"]["error"])
    name = ".".join(str(part) for part in item["loc"])
    variable = f"{_PREFIX}{name.upper()}"
    if item["type"] == "missing":
        return f"{variable} is not set"
    if item["loc"][0] == "parameters" and len(item["loc"]) > 1:
        return f"parameters.{item['loc'][1]}: {item['input']!r} is no number, text, true or false"
    if item["type"] == "extra_forbidden":
        return f"settings.toml has {name}, which is no setting; {nearest(name, Settings.model_fields)}"
    return f"{name}: {item['msg']} (settings.toml or {variable})"
