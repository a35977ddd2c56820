"""The settings by what they are about, each group with its own check: where the lake is, what lands, what computes,
what orchestrates, and the calendar of the business."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_settings import BaseSettings, NoDecode

from taxiway.errors import DefinitionError, UsageError
from taxiway.partitions import Months, parse_month
from taxiway.storage import Store, is_bucket
from taxiway.zones import see_that_is_zone

UNSAFE_IN_PATHS = frozenset("*?[]%=\\")
"""Globs and partition columns to DuckDB, escapes to Delta's readers."""


def _store(given: Any) -> Any:
    """The store that a setting names: a whole path, or a prefix of a bucket."""
    if not isinstance(given, str | Path):
        return given
    text = str(given)
    if text.startswith("s3://"):
        if not is_bucket(text):
            raise ValueError(f"{text} is no place in a bucket: write s3://bucket/prefix")
    elif not Path(text).is_absolute():
        raise ValueError(f"{text} is no whole path; write {Path(text).expanduser().absolute()}, or s3://bucket/prefix")
    if unsafe := sorted(set(text) & UNSAFE_IN_PATHS):
        raise ValueError(f"{text} contains {' '.join(unsafe)}, which readers of data files take for a pattern")
    return Store(text.rstrip("/"))


Parameter = bool | int | float | str

Place = Annotated[Store, NoDecode, BeforeValidator(_store)]
"""A folder, or a prefix of a bucket; an empty one is the default below the home."""


class ProjectSettings(BaseSettings):
    """Which project in which deployment, and where what is local by nature lies; `parameters` are bound to the
    transforms' declared parameters of the same names."""

    deployment: str
    root: Path
    home: Path
    project: str
    parameters: Mapping[str, Parameter] = Field(default_factory=lambda: MappingProxyType({}))

    @property
    def dagster(self) -> Path:
        """Dagster's own storage."""
        return self.home / "dagster"

    @property
    def dbt(self) -> Path:
        """What dbt makes of the project."""
        return self.home / "dbt"

    @property
    def scratch(self) -> Path:
        """What lives for one run only: spilled and staged data."""
        return self.home / "scratch"


class LakeSettings(BaseSettings):
    """Where the tables live, and how long their earlier versions can be read."""

    lake: Place = Store("")
    s3: Mapping[Literal["endpoint", "region"], str] = Field(default_factory=lambda: MappingProxyType({}))
    keep_days: float = Field(default=30.0, ge=0)


class LandingSettings(BaseSettings):
    """Where delivered files arrive, when one is whole, and by when it must have reached the marts."""

    landing: Place = Store("")
    settle_seconds: float = Field(default=5.0, ge=0)
    fresh_hours: float = Field(default=26.0, gt=0)


class EngineSettings(BaseSettings):
    """What computes: `memory_limit` is what DuckDB may hold before it spills to scratch; `spark_master` is where Spark
    runs, in this process by default, and `spark` is configuration of Spark's own."""

    engine: str = "duckdb"
    threads: int = Field(default=2, ge=1)
    memory_limit: str = Field(default="1GB", pattern=r"^\d+(\.\d+)?\s?(MB|GB|MiB|GiB)$")
    spark_master: str = Field(default="", pattern=r"^(spark://.+|local(\[.+\])?)?$")
    spark: Mapping[str, str] = Field(default_factory=lambda: MappingProxyType({}))


class DagsterSettings(BaseSettings):
    """What orchestrates: whether sensors and schedules run as soon as Dagster does."""

    automation: bool = False


class CalendarSettings(BaseSettings):
    """The months of the project, the last one excluded, on the clock of its schedule."""

    first_month: str
    end_month: str
    zone: str = "UTC"

    @model_validator(mode="after")
    def _months_and_zone(self) -> Self:
        try:
            see_that_is_zone(self.zone)
        except DefinitionError as error:
            raise ValueError(f"zone: {error}") from error
        for month in (self.first_month, self.end_month):
            try:
                parse_month(month)
            except UsageError as error:
                raise ValueError(f"first_month and end_month: {error}") from None
        if self.first_month >= self.end_month:
            raise ValueError(f"first_month {self.first_month} must lie before end_month {self.end_month}")
        return self

    @property
    def months(self) -> Months:
        """The months of the project on the clock of its schedule."""
        return Months(self.first_month, self.end_month, self.zone)
