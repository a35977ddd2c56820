"""Loading the settings of a deployment, with everything that is missing or wrong in one message."""

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as EnvironmentUnreadable

from taxiway.errors import SettingsError
from taxiway.settings.buckets import load_s3
from taxiway.settings.connections import PREFIX, connection_variable, is_connection, load_connections
from taxiway.settings.groups import (
    SQLITE,
    UNSAFE_IN_PATHS,
    CalendarSettings,
    ConnectionSettings,
    DagsterSettings,
    EngineSettings,
    Group,
    LakeSettings,
    LandingSettings,
    LoginSettings,
    ProjectSettings,
    ServerSettings,
)
from taxiway.settings.secret import FILE, secret
from taxiway.spelling import nearest
from taxiway.storage import S3, Store, is_bucket

GROUPS = (
    ProjectSettings,
    LakeSettings,
    LandingSettings,
    ConnectionSettings,
    EngineSettings,
    DagsterSettings,
    ServerSettings,
    LoginSettings,
    CalendarSettings,
)

_Group = TypeVar("_Group", bound=Group)

_PREFIX = "TAXIWAY_"
_FOLDER, _FILE = "deployments", "settings.toml"
_GIVEN, _ENVIRONMENT, _DEFAULT = "given", "environment", "default"
# Read by the suite, not by the platform.
_OF_TESTS = frozenset({"REQUIRE", "SOAK"})
_CONNECTIONS = "connections"
_NOT_IN_FILES = ("deployment", "root")
_PLACES = ("home", "lake", "landing")


class Settings(  # pyright: ignore[reportIncompatibleVariableOverride] - pydantic's own types of its configuration
    CalendarSettings,
    LoginSettings,
    ServerSettings,
    DagsterSettings,
    EngineSettings,
    ConnectionSettings,
    LandingSettings,
    LakeSettings,
    ProjectSettings,
    BaseSettings,
):
    """Everything that differs between deployments, and the constants of the business.

    `lake` and `landing` are a folder or `s3://bucket/prefix`, which is reached as `s3` and Amazon's usual variables
    say.
    """

    model_config = SettingsConfigDict(env_prefix=_PREFIX, env_ignore_empty=True, extra="forbid")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is given: where values come from, and which of them wins, is said in `_sources`."""
        return (init_settings,)

    def see_that_buckets_can_be_used(self) -> None:
        """Raise SettingsError where the lake or the landing zone is in a bucket and there are no keys.

        Not all of a deployment's processes use them, and those that do not are given none.
        """
        buckets = [place.uri for place in (self.lake, self.landing) if place.s3 is not None and not place.s3.keys]
        if buckets:
            raise SettingsError(
                f"deployment '{self.deployment}': AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set: who reads "
                f"and writes {' and '.join(buckets)}"
            )

    def place_of(self, connection: str, at: str) -> Store:
        """A folder or prefix below a connection; without one (empty) a whole path, or `s3://bucket/prefix`.

        Raises SettingsError as `store_of`.
        """
        if connection:
            return self.store_of(connection).below(at)
        return Store(at.rstrip("/"), load_s3({**self.s3}) if is_bucket(at) else None)

    def store_of(self, connection: str) -> Store:
        """The folder or bucket that a connection names, which is reached as the lake's would be.

        Raises SettingsError, without the URL, where it is neither.
        """
        url = self.url_of(connection)
        if not (is_bucket(url) or Path(url).is_absolute()):
            raise SettingsError(
                f"the connection '{connection}' is no place for files: set {connection_variable(connection)} to a "
                "whole path, or s3://bucket/prefix"
            )
        return Store(url.rstrip("/"), load_s3({**self.s3}) if is_bucket(url) else None)


@dataclass(frozen=True)
class Source:
    """Where values come from, and the values by the names of their settings."""

    name: str
    values: Mapping[str, Any]

    def origin(self, setting: str) -> str:
        """Where a value of it stands, as people look for it."""
        return f"{_PREFIX}{setting.upper()}" if self.name == _ENVIRONMENT else self.name


def project_root(beside: str | None = None) -> Path:
    """The folder that holds `deployments/`: `TAXIWAY_ROOT`, or the nearest one above the file `beside`, or above the
    working directory. Raises SettingsError where there is none.
    """
    named = os.environ.get("TAXIWAY_ROOT")
    here = Path.cwd()
    above = Path(beside).resolve().parents if beside else ()
    for folder in [Path(named)] if named else [*above, here, *here.parents]:
        if (folder / _FOLDER).is_dir():
            return folder.resolve()
    raise SettingsError(
        f"no deployments/ folder in {named or here} or above it; start in the project or set TAXIWAY_ROOT"
    )


def load_settings(deployment: str | None = None, *, beside: str | None = None, **overrides: Any) -> Settings:
    """The settings of a deployment (that of `TAXIWAY_DEPLOYMENT` where none is asked for, by default `local`).

    They are those of the working directory's project or, where TAXIWAY_ROOT names none, of that of the file `beside`:
    of several projects in one Dagster each has its own. `overrides` win over the environment, that over the
    deployment's file, and that over `deployments/settings.toml`, which all share. Raises SettingsError with everything
    that is missing or wrong in one message, and for a `TAXIWAY_*` variable that means nothing.
    """
    return explain_settings(deployment, root=overrides.pop("root", None) or project_root(beside), **overrides)[0]


def explain_settings(deployment: str | None = None, **overrides: Any) -> tuple[Settings, Mapping[str, str]]:
    """The settings as `load_settings` gives them, and by setting where its value came from."""
    _refuse_unknown_variables()
    name = deployment or os.environ.get("TAXIWAY_DEPLOYMENT") or Settings.model_fields["deployment"].default
    root = Path(overrides.pop("root", None) or project_root())
    sources = _sources(root, name, overrides)
    values = {"root": root, "deployment": name, **_merged(sources)}
    origins = {each: _origin(each, sources) for each in Settings.model_fields if each not in _NOT_IN_FILES}
    problems = [*_misspelt(sources), *_partial(sources), *_wrong(values, origins)]
    if not problems:
        settings = Settings(**values)
        home = (root / settings.home).resolve()
        s3, problems = _reached(settings)
        lake, landing = (_located(place, home, s3) for place in (settings.lake, settings.landing))
        problems += _misplaced(root.resolve(), home, lake, landing)
        if not problems:
            given = {"home": home, "lake": lake, "landing": landing}
            read_only = {each: MappingProxyType(dict(getattr(settings, each))) for each in ("parameters", "spark")}
            return settings.model_copy(update=given | read_only), origins
    told = f" {problems[0]}" if len(problems) == 1 else "".join(f"\n  {problem}" for problem in problems)
    raise SettingsError(f"deployment '{name}':{told}")


def load_group(group: type[_Group], deployment: str, root: Path | None = None, *, by_variables: bool = True) -> _Group:
    """The settings of one group alone, whatever else of the deployment is missing or wrong; as its files say where
    `by_variables` is not set.

    Raises SettingsError where there is no such deployment, or what the group needs is missing or wrong, and for a
    `TAXIWAY_*` variable that means nothing.
    """
    _refuse_unknown_variables()
    sources = _sources(root or project_root(), deployment, {})
    if not by_variables:
        sources = [source for source in sources if source.name != _ENVIRONMENT]
    values = {name: value for name, value in _merged(sources).items() if name in group.model_fields}
    try:
        return group(**values)
    except ValidationError as error:
        origins = {name: _origin(name, sources) for name in group.model_fields}
        problems = dict.fromkeys(_problem(item, origins) for item in error.errors())
        raise SettingsError(f"deployment '{deployment}': {'; '.join(problems)}") from None


def servers_home(deployment: str, root: Path) -> Path:
    """The home of a deployment that has servers on this machine: `TAXIWAY_HOME`, by default a folder of the project.

    Raises SettingsError where the variable names no whole path, or is that of another deployment, as in a shell that
    has sourced the file of a role of that.
    """
    named, whose = os.environ.get(f"{_PREFIX}HOME"), os.environ.get(f"{_PREFIX}DEPLOYMENT")
    if not named:
        return root / f".taxiway-{deployment}"
    if not Path(named).is_absolute():
        raise SettingsError(f"deployment '{deployment}': {_no_whole_path(f'{_PREFIX}HOME', named)}")
    if whose and whose != deployment:
        raise SettingsError(
            f"this shell is one of deployment '{whose}', by TAXIWAY_DEPLOYMENT and TAXIWAY_HOME={named}, and "
            f"'{deployment}' is asked for: unset both, or use another shell"
        )
    return Path(named)


def _sources(root: Path, deployment: str, overrides: Mapping[str, Any]) -> Sequence[Source]:
    """Where values come from, what wins first."""
    folder = root / _FOLDER
    if not deployment.isidentifier() or not (folder / deployment / _FILE).is_file():
        known = sorted(path.parent.name for path in folder.glob(f"*/{_FILE}"))
        raise SettingsError(
            f"deployment '{deployment}' has no settings; TAXIWAY_DEPLOYMENT is one of {', '.join(known)}"
        )
    try:
        environment = EnvSettingsSource(Settings)()
    except EnvironmentUnreadable as error:
        raise SettingsError(
            f"deployment '{deployment}': {error}; in a variable, parameters are one JSON object"
        ) from None
    # Which deployment in which folder is known by now.
    variables = {name: value for name, value in environment.items() if name not in _NOT_IN_FILES}
    if connections := load_connections():
        variables[_CONNECTIONS] = connections
    for name in secret_settings():
        if found := secret(f"{_PREFIX}{name.upper()}"):
            variables[name] = found
    files = [folder / deployment / _FILE, folder / _FILE]
    return (
        Source(_GIVEN, overrides),
        Source(_ENVIRONMENT, variables),
        *(Source(str(file.relative_to(root)), _read(file, root)) for file in files if file.is_file()),
    )


def secret_settings() -> list[str]:
    """The settings whose value nobody may see; a variable may name a file that holds it."""
    return [name for name, field in Settings.model_fields.items() if field.annotation is SecretStr]


def _read(file: Path, root: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise SettingsError(f"{file.relative_to(root)}: {error}") from None


def _merged(sources: Sequence[Source]) -> dict[str, Any]:
    """Of each setting the first value; mappings are put together, but for one that is given, which stands alone."""
    merged: dict[str, Any] = {}
    for source in reversed(sources):
        for name, value in source.values.items():
            together = isinstance(value, Mapping) and source.name != _GIVEN and name in merged
            merged[name] = {**merged[name], **value} if together else value
    return merged


def _origin(name: str, sources: Sequence[Source]) -> str:
    found = [source.origin(name) for source in sources if name in source.values]
    is_mapping = any(isinstance(source.values.get(name), Mapping) for source in sources[1:])
    return ", ".join(found if is_mapping and found[0] != _GIVEN else found[:1]) or _DEFAULT


def _misspelt(sources: Sequence[Source]) -> Iterator[str]:
    """What is no setting, or none of a file."""
    for source in sources:
        known = [name for name in Settings.model_fields if name not in _NOT_IN_FILES]
        for name in source.values.keys() - set(known):
            yield f"{source.name} has {name}, which is no setting; {nearest(name, known)}"
        if _CONNECTIONS in source.values and source.name.endswith(_FILE):
            yield (
                f"{source.name} has connections, whose URLs may hold passwords; take them out, and set a variable for "
                f"each: {PREFIX}<NAME>, or with {FILE} at its end the file that holds it"
            )
        for name in secret_settings() if source.name.endswith(_FILE) else ():
            if source.values.get(name) not in (None, SQLITE):
                variable = f"{_PREFIX}{name.upper()}"
                yield f"{source.name} has {name}, which holds a password: set {variable} or {variable}{FILE} instead"


def _partial(sources: Sequence[Source]) -> Iterator[str]:
    """Places of a variable that would be others from another working directory."""
    for source in sources:
        for name in _PLACES if source.name == _ENVIRONMENT else ():
            text = str(source.values.get(name, "/"))
            if not text.startswith("s3://") and not Path(text).is_absolute():
                yield _no_whole_path(source.origin(name), text)


def _no_whole_path(variable: str, text: str) -> str:
    meant = Path(text).expanduser().absolute()
    return f"{variable}={text} is no whole path; write {variable}={meant}, or unset it for the file's"


def _wrong(values: Mapping[str, Any], origins: Mapping[str, str]) -> Iterator[str]:
    """What each group misses or refuses."""
    for group in GROUPS:
        try:
            group(**{name: values[name] for name in group.model_fields if name in values})
        except ValidationError as error:
            yield from dict.fromkeys(_problem(item, origins) for item in error.errors())


def _problem(item: Any, origins: Mapping[str, str]) -> str:
    if not item["loc"]:
        return str(item["ctx"]["error"])
    setting = str(item["loc"][0])
    if item["type"] == "missing":
        field = Settings.model_fields[setting]
        return f"{_PREFIX}{setting.upper()} is not set: {field.description}, e.g. {(field.examples or [''])[0]}"
    if setting == "parameters" and len(item["loc"]) > 1:
        return f"parameters.{item['loc'][1]}: {item['input']!r} is no number, text, true or false"
    return f"{'.'.join(map(str, item['loc']))}: {item['msg']} ({origins[setting]})"


def _reached(settings: Settings) -> tuple[S3, list[str]]:
    """How buckets are reached, and what is wrong of that."""
    try:
        return load_s3({**settings.s3}), []
    except SettingsError as error:
        return S3(), [str(error)]


def _located(given: Store, home: Path, s3: S3) -> Store:
    return Store(given.uri, given.s3 or s3) if not given.is_folder else Store(str(home / given.uri))


def _misplaced(root: Path, home: Path, lake: Store, landing: Store) -> Iterator[str]:
    if home == root:
        yield (
            f"home: {home} is the project's own folder, which tables would fill; set TAXIWAY_HOME to another, or "
            "unset it for the default"
        )
    if unsafe := sorted(set(str(home)) & UNSAFE_IN_PATHS):
        yield (
            f"home: {home} contains {' '.join(unsafe)}, which readers of data files take for a pattern or an escape; "
            "set TAXIWAY_HOME to a folder without"
        )
    if f"{lake}/".startswith(f"{landing}/") or f"{landing}/".startswith(f"{lake}/"):
        yield (
            f"the lake {lake} and the landing zone {landing} lie in one another; set TAXIWAY_LAKE or TAXIWAY_LANDING "
            "to a place of its own"
        )


def _refuse_unknown_variables() -> None:
    """Raise for a variable that looks like a setting and is none: it would be ignored, and the default used."""
    known = [name.upper() for name in Settings.model_fields if name != _CONNECTIONS]
    files = {f"{name.upper()}{FILE}" for name in secret_settings()}
    given = [name for name in sorted(os.environ) if name.upper().startswith(_PREFIX) and not is_connection(name)]
    unknown = [name for name in given if name.upper().removeprefix(_PREFIX) not in {*known, *files, *_OF_TESTS}]
    if unknown:
        meant = {name: nearest(name[len(_PREFIX) :].upper(), known, _PREFIX) for name in unknown}
        told = (f"the variable {name} is no setting: rename or unset it; {names}" for name, names in meant.items())
        raise SettingsError("; ".join(told))
