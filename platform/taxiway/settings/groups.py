"""The settings by what they are about, each group with its own check: where the lake is, what lands, what computes,
what orchestrates, where it answers, and the calendar of the business.

What has no default here is what no two deployments share: each says it, in its file or by variables.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, WithJsonSchema, model_validator
from pydantic_settings import NoDecode

from taxiway.calendar import Calendar
from taxiway.errors import DefinitionError, UsageError
from taxiway.settings.connections import connection_to
from taxiway.storage import Store, is_bucket
from taxiway.zones import see_that_is_zone

UNSAFE_IN_PATHS = frozenset("*?[]%=\\")
"""Globs and partition columns to DuckDB, escapes to Delta's readers."""

SQLITE = "sqlite"

Parameter = bool | int | float | str


def _store(given: Any) -> Any:
    """The store that a setting names: a whole path, a prefix of a bucket, or a folder below the home."""
    if not isinstance(given, str | Path):
        return given
    text = str(given)
    if text.startswith("s3://") and not is_bucket(text):
        raise ValueError(f"{text} is no place in a bucket: write s3://bucket/prefix")
    if unsafe := sorted(set(text) & UNSAFE_IN_PATHS):
        raise ValueError(f"{text} contains {' '.join(unsafe)}, which readers of data files take for a pattern")
    return Store(text.rstrip("/"))


def _postgres(given: Any) -> Any:
    text = given.get_secret_value() if isinstance(given, SecretStr) else given
    if text != SQLITE and not _POSTGRES.match(str(text)):
        # Not the text, which may hold a password.
        raise ValueError(f"it is neither {SQLITE} nor postgresql://user:password@host:port/database")
    return given


_GROUP = re.compile(r"[A-Za-z0-9._:/@-]*")
_POSTGRES = re.compile(r"postgresql(\+psycopg2)?://")

Place = Annotated[Store, NoDecode, BeforeValidator(_store), WithJsonSchema({"type": "string"})]
"""A folder, or a prefix of a bucket."""


def _setting(about: str, example: str, **more: Any) -> Any:
    """A field with what it is for and an example, which messages and the documentation show."""
    return Field(description=about, examples=[example], **more)


def _mapping(about: str, example: str) -> Any:
    return _setting(about, example, default_factory=lambda: MappingProxyType({}))


class Group(BaseModel):
    """Settings that are about one thing."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)


class ProjectSettings(Group):
    """Which project in which deployment, and where what is local by nature lies."""

    deployment: str = _setting("which deployment it is", "staging", default="local")
    root: Path = _setting(
        "the folder of the project, which holds deployments/; where it is not set, the nearest above", "/srv/flights"
    )
    home: Path = _setting("where scratch, Dagster's folder and logs lie, on this machine", "/var/lib/taxiway")
    project: str = _setting("the project, as module:name", "flights.project:project")
    parameters: Mapping[str, Parameter] = _mapping("values of the transforms' declared parameters", '{"late_min": 15}')

    @property
    def package(self) -> str:
        """The project's package, by which others that share its lake or its home know it."""
        return self.project.partition(":")[0].partition(".")[0]

    @property
    def dagster(self) -> Path:
        """Dagster's folder."""
        return self.home / "dagster"

    @property
    def dbt(self) -> Path:
        """What dbt makes of the project, which other projects may share the home with."""
        return self.home / "dbt" / self.package

    @property
    def scratch(self) -> Path:
        """What lives for one run only: spilled and staged data."""
        return self.home / "scratch"


class LakeSettings(Group):
    """Where the tables live, and how long their earlier versions can be read."""

    lake: Place = _setting("where the tables live: a folder or a prefix of a bucket", "s3://company-staging/lake")
    s3: Mapping[Literal["endpoint", "region"], str] = _mapping(
        "how buckets are reached, where AWS_ENDPOINT_URL and AWS_REGION do not say", '{"region": "eu-central-1"}'
    )
    keep_days: float = _setting("for so many days earlier versions of a table can be read", "30", default=30.0, ge=0)


class ConnectionSettings(Group):
    """The databases and places outside that tables come from and go to, by name."""

    connections: Mapping[str, SecretStr] = _mapping(
        "databases and places outside, by name: of `bi` the URL is in this variable", "postgresql://user@host/bi"
    )

    def url_of(self, connection: str) -> str:
        """The URL of a connection in the clear, which may hold a password; raises SettingsError where there is none."""
        return connection_to(self.connections, connection)


class LandingSettings(Group):
    """Where delivered files arrive, when one is whole, and by when it must have reached the marts."""

    landing: Place = _setting(
        "where delivered files arrive: a folder or a prefix of a bucket", "s3://company-staging/landing"
    )
    settle_seconds: float = _setting("a file that has not changed for so many seconds is whole", "5", default=5.0, ge=0)
    fresh_hours: float = _setting(
        "after so many hours a delivered file must have reached the marts", "26", default=26.0, gt=0
    )


class EngineSettings(Group):
    """What computes."""

    engine: str = _setting("what computes: duckdb or spark", "duckdb")
    threads: int = _setting("threads of the engine", "2", default=2, ge=1)
    memory_limit: str = _setting(
        "what DuckDB may hold before it spills to scratch",
        "1GB",
        default="1GB",
        pattern=r"^\d+(\.\d+)?\s?(MB|GB|MiB|GiB)$",
    )
    spark_master: str = _setting(
        "where Spark runs, in the process of a run where it is empty",
        "spark://cluster:7077",
        default="",
        pattern=r"^(spark://.+|local(\[.+\])?)?$",
    )
    spark: Mapping[str, str] = _mapping("configuration of Spark's own", '{"spark.executor.memory": "4g"}')


class DagsterSettings(Group):
    """What orchestrates: where Dagster keeps what it knows, who executes runs, and whether sensors and schedules run
    as soon as Dagster does."""

    dagster_storage: Annotated[SecretStr, BeforeValidator(_postgres)] = _setting(
        "where Dagster keeps what it knows: sqlite, in the home, or a database of PostgreSQL",
        "postgresql://dagster:password@host:5432/dagster",
    )
    runs: Literal["process", "queue"] = _setting(
        "who executes what `taxiway run` asks for: its own process, or Dagster's queue", "queue"
    )
    automation: bool = _setting("whether sensors and schedules run as soon as Dagster does", "true", default=False)

    @property
    def dagster_postgres(self) -> SecretStr | None:
        """The URL of Dagster's database, with the driver that is there, None where it keeps what it knows in files of
        the home."""
        url = self.dagster_storage.get_secret_value()
        # SQLAlchemy would take another driver for a plain one.
        return None if url == SQLITE else SecretStr(_POSTGRES.sub("postgresql+psycopg2://", url))


class ServerSettings(Group):
    """Where the deployment answers, where it has servers of its own."""

    port: int | None = _setting(
        "the port of https; the ports after it are used too, and only this machine reaches those",
        "8443",
        default=None,
        ge=1024,
        le=65000,
    )


class LoginSettings(Group):
    """Who people log in to, where a deployment with servers has no passwords of its own: an identity provider."""

    oidc_issuer: str = _setting(
        "the provider of OpenID Connect that people log in to; where it is empty, they have passwords",
        "https://login.company.com/realms/data",
        default="",
        # Tokens and the client's secret go there.
        pattern=r"^(https://.+|http://(127\.0\.0\.1|localhost)(:\d+)?(/.*)?)?$",
    )
    oidc_client_id: str = _setting("how the provider knows the deployment", "taxiway-staging", default="")
    oidc_client_secret: SecretStr = _setting("the secret that goes with it", "a long text", default=SecretStr(""))
    oidc_admins: str = _setting("the group whose members may do everything", "data-engineers", default="")
    oidc_viewers: str = _setting(
        "the group whose members may read; all who can log in, where it is empty", "analysts", default=""
    )
    oidc_scope: str = _setting("what the provider is asked for", "openid email", default="openid email profile groups")
    oidc_host: str = _setting(
        "the name of the machine in browsers, to which the provider sends them back",
        "taxiway.company.com",
        default="localhost",
        pattern=r"^[A-Za-z0-9.-]+$",
    )

    @model_validator(mode="after")
    def _all_or_none(self) -> Self:
        needed = {
            "OIDC_ISSUER": self.oidc_issuer,
            "OIDC_CLIENT_ID": self.oidc_client_id,
            "OIDC_CLIENT_SECRET": self.oidc_client_secret.get_secret_value(),
            "OIDC_ADMINS": self.oidc_admins,
        }
        missing = [f"TAXIWAY_{name}" for name, value in needed.items() if not value]
        if missing and len(missing) < len(needed):
            raise ValueError(f"log-in by OpenID Connect also needs {', '.join(missing)}")
        if unfit := [name for name in (self.oidc_admins, self.oidc_viewers) if not _GROUP.fullmatch(name)]:
            raise ValueError(f"{unfit[0]!r} cannot be asked for as a group: write letters, digits and ._:/@-")
        return self


class CalendarSettings(Group):
    """The calendar of the project: where it begins and ends, on which clock. One without an end ends now."""

    first: str = _setting("where the calendar begins: a month, a week, a day or an hour", "2013-01")
    end: str = _setting("before which it ends; it goes on where this is empty", "2014-01", default="")
    zone: str = _setting("the clock on which months, weeks, days and hours begin", "America/New_York", default="UTC")

    @model_validator(mode="after")
    def _is_a_calendar(self) -> Self:
        try:
            see_that_is_zone(self.zone)
        except DefinitionError as error:
            raise ValueError(f"zone: {error}") from error
        try:
            _ = self.calendar
        except UsageError as error:
            raise ValueError(f"first and end: {error}") from None
        return self

    @property
    def calendar(self) -> Calendar:
        """The partitions that a table of each grain can have."""
        return Calendar(self.first, self.end or None, self.zone)
