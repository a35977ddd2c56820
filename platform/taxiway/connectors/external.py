"""A table that somebody else writes, as a project declares it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from taxiway.errors import DefinitionError
from taxiway.storage import is_bucket


@dataclass(frozen=True)
class External:
    """Where a table lies that the project reads and never writes: a Delta table, or a folder of Parquet files.

    `at` is a whole path or `s3://bucket/prefix`, or, with a `connection`, a path below the place that this names.
    `schedule` is the cron line by which Dagster checks what is there now, on the clock of the deployment. Raises
    DefinitionError for what is no place.
    """

    at: str
    format: Literal["delta", "parquet"] = "delta"
    connection: str | None = None
    schedule: str = "0 * * * *"

    def __post_init__(self) -> None:
        if self.format not in ("delta", "parquet"):
            raise DefinitionError(f"External({self.at!r}): format is 'delta' or 'parquet', not {self.format!r}")
        whole = is_bucket(self.at) or Path(self.at).is_absolute()
        if self.connection is None and not whole:
            raise DefinitionError(f"External({self.at!r}): write a whole path, s3://bucket/prefix, or a connection")
        if self.connection is not None and (whole or ".." in self.at.split("/") or not self.at):
            raise DefinitionError(f"External({self.at!r}): write the path below the connection '{self.connection}'")

    @property
    def place(self) -> str:
        """What a provenance calls it: no URL of a connection."""
        return f"{self.format} {self.connection or ''} {self.at}"
