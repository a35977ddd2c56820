"""A dbt project on disk and what dbt makes of it: parsed and compiled once for each state of its files."""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb

from taxiway.addresses import Address
from taxiway.errors import DefinitionError
from taxiway.marts.files import files_read, project_settings
from taxiway.marts.invoke import invoke_dbt
from taxiway.marts.locked import lock_down, seeds
from taxiway.marts.reproducible import check_files, check_manifest
from taxiway.transforms import Parameter

LIBRARIES = ("dbt-core", "dbt-duckdb", "duckdb")
# The file's name is the database's name in the SQL that dbt compiles, so it is the same everywhere.
SCRATCH_FILE = "marts.duckdb"

_STATE = "partial_parse.msgpack"
_MANIFEST = "manifest.json"
_DIGITS = 16


@dataclass(frozen=True)
class Model:
    """A model: its compiled SQL, the tables of the lake that it reads, directly or through others, and its file."""

    name: str
    sql: str
    sources: tuple[Address, ...]
    file: Path


@dataclass(frozen=True)
class DbtProject:
    """The dbt project in `folder`, which has its own `profiles.yml`.

    What dbt makes of it is kept in `states/<digest of its files>/`, so it never belongs to other files; nothing is
    written into the project.
    """

    folder: Path
    states: Path

    @cached_property
    def digest(self) -> str:
        """The identity of what the project computes: all files that dbt reads and the libraries that execute them."""
        found = hashlib.sha256()
        for library in LIBRARIES:
            found.update(f"{library}=={version(library)}\n".encode())
        for name, file in files_read(self.folder).items():
            content = file.read_bytes()
            found.update(f"{name} {len(content)}\n".encode() + content)
        return found.hexdigest()

    @cached_property
    def variables(self) -> Mapping[str, Parameter]:
        """The declared variables with their defaults; raises DefinitionError where the project cannot be read."""
        return project_settings(self.folder).get("vars") or {}

    @property
    def is_prepared(self) -> bool:
        """Whether dbt has compiled the present files."""
        return (self._prepared / _MANIFEST).is_file()

    @cached_property
    def manifest(self) -> Mapping[str, Any]:
        """dbt's manifest; raises DefinitionError where the present files have not been prepared."""
        return json.loads(self._read(_MANIFEST))

    @property
    def state(self) -> bytes:
        """The parsed state that dbt starts from; raises DefinitionError where there is none."""
        return self._read(_STATE)

    def model(self, name: str) -> Model:
        """The model of that name; raises DefinitionError where there is none."""
        for key, node in self.manifest["nodes"].items():
            if node["resource_type"] == "model" and node["name"] == name:
                file = self.folder / node["original_file_path"]
                return Model(name, node["compiled_code"], tuple(sorted(set(self._sources(key)))), file)
        raise DefinitionError(f"{self.folder.name} has no model '{name}': write models/marts/{name}.sql")

    def prepare(self) -> None:
        """Have dbt parse and compile the present files, unless it has; no data is read.

        Raises DefinitionError with dbt's own message where it cannot, and where a result would not be reproducible
        from the published tables and the project's files.
        """
        if self.is_prepared:
            return
        check_files(self.folder)
        staged = self._prepared.with_name(f".{uuid4().hex}")
        try:
            staged.mkdir(parents=True)
            self._compile(staged)
            for old in self.states.glob("[0-9a-f]" * _DIGITS):
                shutil.rmtree(old, ignore_errors=True)
            try:
                staged.rename(self._prepared)
            except OSError:
                # Another process may have been quicker with the same files.
                if not self.is_prepared:
                    raise
        except OSError as error:
            raise DefinitionError(
                f"{self.folder.name}: what dbt makes of it cannot be kept ({error}); make {self.states} writable"
            ) from error
        finally:
            shutil.rmtree(staged, ignore_errors=True)

    def _compile(self, staged: Path) -> None:
        file = staged / SCRATCH_FILE
        with duckdb.connect(str(file)) as connection:
            lock_down(connection, [staged, *seeds(self.folder)])
            problem = invoke_dbt(
                self.folder,
                "compile",
                target=staged,
                variables={"scratch": str(file)},
                options=["--no-partial-parse"],
            ).problem
        if problem:
            raise DefinitionError(f"{self.folder.name}: dbt cannot compile the project: {problem}")
        check_manifest(self.folder.name, json.loads((staged / _MANIFEST).read_bytes()))

    @property
    def _prepared(self) -> Path:
        return self.states / self.digest[:_DIGITS]

    def _read(self, name: str) -> bytes:
        try:
            return (self._prepared / name).read_bytes()
        except FileNotFoundError:
            raise DefinitionError(
                f"{self.folder.name}: dbt has not compiled its present files; taxiway run has it do so"
            ) from None

    def _sources(self, key: str) -> Iterator[Address]:
        for parent in self.manifest["parent_map"][key]:
            if parent in self.manifest["sources"]:
                source = self.manifest["sources"][parent]
                yield Address(source["source_name"], source["name"])
            else:
                yield from self._sources(parent)
