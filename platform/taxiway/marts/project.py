"""A dbt project on disk and what dbt makes of it: parsed and compiled once for each state of its files."""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb

from taxiway.addresses import Address
from taxiway.errors import DbtProblem, DefinitionError, UsageError
from taxiway.marts.files import files_read, project_settings
from taxiway.marts.invoke import PROFILE, invoke_dbt
from taxiway.marts.locked import lock_down, seeds
from taxiway.marts.reproducible import check_files, check_manifest
from taxiway.settings import Settings
from taxiway.tables import Project
from taxiway.transforms import Parameter

MART = "mart"
"""The layer of what dbt makes."""

LIBRARIES = ("dbt-core", "dbt-duckdb", "duckdb")
# The file's name is the database's name in the SQL that dbt compiles, so it is the same everywhere.
SCRATCH_FILE = "marts.duckdb"

_STATE = "partial_parse.msgpack"
_MANIFEST = "manifest.json"
_REFUSED = "refused.json"
_FAILED = ".failed"
_DIGITS = 16


@dataclass(frozen=True)
class Model:
    """A model: its description, its SQL as it was written and compiled, the tables of the lake and the models that it
    reads, through others too, its file, and the schema and name under which dbt builds it."""

    name: str
    description: str
    code: str
    sql: str
    sources: tuple[Address, ...]
    models: tuple[str, ...]
    file: Path
    relation: tuple[str, str]


@dataclass(frozen=True)
class DataTest:
    """A test of a model; where it is no error, it warns."""

    name: str
    description: str
    is_error: bool


@dataclass(frozen=True)
class DbtProject:
    """The dbt project in `folder`; the platform has the profile.

    A source is a table of the lake: its schema is the layer, whatever the source is called.

    What dbt makes of it is kept in `states/<digest of its files>/`, so it never belongs to other files; nothing is
    written into the project.
    """

    folder: Path
    states: Path

    @classmethod
    def of(cls, project: Project, settings: Settings) -> "DbtProject | None":
        """That of a project in a deployment, whose root its folder is in unless it is a whole path; None without."""
        return None if project.dbt is None else cls(settings.root / project.dbt, settings.dbt)

    @cached_property
    def digest(self) -> str:
        """The identity of what the project computes: all files that dbt reads and the libraries that execute them."""
        found = hashlib.sha256()
        for library in LIBRARIES:
            found.update(f"{library}=={version(library)}\n".encode())
        found.update(PROFILE.read_bytes())
        for name, file in files_read(self.folder).items():
            content = file.read_bytes()
            found.update(f"{name} {len(content)}\n".encode() + content)
        return found.hexdigest()

    @cached_property
    def variables(self) -> Mapping[str, Parameter]:
        """The declared variables with their defaults; raises DbtProblem where the project cannot be read."""
        return project_settings(self.folder).get("vars") or {}

    @property
    def is_prepared(self) -> bool:
        """Whether dbt has compiled the present files."""
        try:
            return (self._prepared / _REFUSED).is_file()
        except DbtProblem:
            return False

    @property
    def is_judged(self) -> bool:
        """Whether dbt has compiled the present files, or is known to be unable to."""
        try:
            return self.is_prepared or self._failure.is_file()
        except DbtProblem:
            return True

    @cached_property
    def manifest(self) -> Mapping[str, Any]:
        """dbt's manifest; raises DbtProblem, with the reason, where dbt has not compiled the present files."""
        return json.loads(self._read(_MANIFEST))

    @property
    def state(self) -> bytes:
        """The parsed state that dbt starts from; raises DbtProblem where there is none."""
        return self._read(_STATE)

    def model(self, name: str) -> Model:
        """The model of that name.

        Raises DefinitionError where there is none, DbtProblem where it is refused or dbt has not compiled the project.
        """
        refused = json.loads(self._read(_REFUSED))
        if name in refused:
            raise DbtProblem(refused[name])
        nodes, sources = self.manifest["nodes"], self.manifest["sources"]
        for key, node in nodes.items():
            if node["resource_type"] == "model" and node["name"] == name:
                read = set(self._read_by(key))
                tables = sorted(source_address(s) for s in map(sources.get, read) if s is not None)
                models = sorted(n["name"] for n in map(nodes.get, read) if n and n["resource_type"] == "model")
                file = self.folder / node["original_file_path"]
                return Model(
                    name,
                    description=node["description"],
                    code=node["raw_code"],
                    sql=node["compiled_code"],
                    sources=tuple(tables),
                    models=tuple(models),
                    file=file,
                    relation=(node["schema"], node["alias"]),
                )
        raise DefinitionError(f"{self.folder.name} has no model '{name}': write models/marts/{name}.sql")

    def tests_of(self, name: str) -> Iterator[DataTest]:
        """The tests of a model; a test of several models belongs to none. Raises DbtProblem as `manifest` does."""
        nodes = self.manifest["nodes"]
        for node in nodes.values():
            if node["resource_type"] == "test":
                read = node["depends_on"]["nodes"]
                about = nodes.get(node.get("attached_node") or (read[0] if len(read) == 1 else ""))
                if about is not None and about["resource_type"] == "model" and about["name"] == name:
                    severity = (node["config"].get("severity") or "error").lower()
                    yield DataTest(node["name"], node.get("description") or "", is_error=severity == "error")

    def prepare(self) -> None:
        """Have dbt parse and compile the present files, unless it has; no data is read.

        Where it cannot, and where a result would not be reproducible from the published tables and the project's
        files, the reason is kept for whoever asks for a model. Raises DefinitionError where nothing can be kept.
        """
        if self.is_prepared:
            return
        staged = self.states / f".{uuid4().hex}"
        try:
            staged.mkdir(parents=True)
            try:
                check_files(self.folder)
                self._compile(staged)
            except DbtProblem as problem:
                self._keep_failure(staged, problem)
            else:
                self._keep(staged)
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
            told = " ".join(problem.split())
            raise DbtProblem(f"{self.folder.name}: dbt cannot compile the project: {told}")
        refused = check_manifest(self.folder, json.loads((staged / _MANIFEST).read_bytes()))
        (staged / _REFUSED).write_text(json.dumps(refused))

    def _keep(self, staged: Path) -> None:
        for old in self.states.glob("[0-9a-f]" * _DIGITS):
            shutil.rmtree(old, ignore_errors=True)
        self._forget_failures()
        try:
            staged.rename(self._prepared)
        except OSError:
            # Another process may have been quicker with the same files.
            if not self.is_prepared:
                raise

    def _keep_failure(self, staged: Path, problem: DbtProblem) -> None:
        """Remember why the present files cannot be compiled; they are tried again when they are prepared again."""
        written = staged / "failed"
        written.write_text(str(problem))
        # Settings that cannot be read have no digest: whoever asks for a model is told anew.
        with suppress(DbtProblem):
            kept = self._failure
            self._forget_failures()
            written.replace(kept)

    def _forget_failures(self) -> None:
        for old in self.states.glob(f"*{_FAILED}"):
            old.unlink(missing_ok=True)

    @property
    def _prepared(self) -> Path:
        return self.states / self.digest[:_DIGITS]

    @property
    def _failure(self) -> Path:
        return self._prepared.with_suffix(_FAILED)

    def _read(self, name: str) -> bytes:
        try:
            return (self._prepared / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            if self._failure.is_file():
                raise DbtProblem(self._failure.read_text()) from None
            raise DbtProblem(
                f"{self.folder.name}: dbt has not compiled its present files; taxiway run has it do so"
            ) from None

    def _read_by(self, key: str) -> Iterator[str]:
        """The keys of what a model reads, directly or through others."""
        for parent in self.manifest["parent_map"][key]:
            yield parent
            yield from self._read_by(parent) if parent not in self.manifest["sources"] else ()


def source_address(source: Mapping[str, Any]) -> Address:
    """The table of the lake that a source of dbt's manifest is; raises DbtProblem where it can be none."""
    try:
        return Address(source["schema"], source["identifier"])
    except UsageError as error:
        name = f"{source['source_name']}.{source['name']}"
        raise DbtProblem(f"source {name}: {error}; its schema is the layer, e.g. schema: raw") from None
