"""That a dbt project gives the same marts wherever the same tables are: what else it could read is refused."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from taxiway.errors import DbtProblem
from taxiway.marts import jinja, sql
from taxiway.marts.files import SETTINGS, configured, packages, project_settings

# dbt's own, whose macros say what a call of them does where they are called.
_OF_DBT = frozenset({"dbt", "dbt_duckdb"})
_ONE_RUN = "dbt's database lives for one run"
_MATERIALISED = {"table", "view", "ephemeral"}
_INSTEAD = {
    "incremental": f"{_ONE_RUN}, so there are no earlier rows to add to: write materialized='table'; what grows by the "
    "month is a table by month of the layer feature",
    "snapshot": f"{_ONE_RUN}, so there is no earlier state to compare with: earlier versions are in the lake, see "
    "taxiway history; read them in a table by month of the layer feature",
    "external": "it writes files beside the lake: write materialized='table', and read the published mart",
}


def check_files(folder: Path) -> None:
    """Raise DbtProblem where the settings of a project or its properties ask what they may not."""
    found = [
        f"{file.relative_to(folder)}: {told}"
        for file in _properties(folder)
        for told in _of_properties(file, declared=_declared(folder))
    ]
    settings = project_settings(folder)
    hooks = [name for name in ("on-run-start", "on-run-end") if settings.get(name)]
    found += [f"{SETTINGS}: {name}: {jinja.HOOK}" for name in hooks]
    _refuse(folder.name, found)


def check_manifest(folder: Path, manifest: Mapping[str, Any]) -> Mapping[str, str]:
    """Why models could differ between two runs over the same tables, or their tests, by the model's name.

    Raises DbtProblem where that cannot be said of one model alone.
    """
    nodes = {**manifest["nodes"], **manifest.get("functions", {}), **manifest["unit_tests"]}
    declared = _declared(folder)
    refused: dict[str, list[str]] = {}
    found: list[str] = []
    for node in nodes.values():
        told = [f"{_named(node)}: {told}" for told in _of_node(node, manifest, declared)]
        models = _models_of(node, manifest)
        for model in models:
            refused.setdefault(model, []).extend(told)
        found += [] if models else told
    for source in manifest["sources"].values():
        opens = {**(source.get("meta") or {}), **(source.get("config", {}).get("meta") or {})}
        if source.get("external") or {"external_location", "plugin"} & opens.keys():
            name = f"{source['source_name']}.{source['name']}"
            found.append(f"source {name}: it lies outside the lake: make it a raw table, without meta")
    for macro in _macros(manifest, nodes):
        asked = declared if _is_own(macro, manifest) else None
        found += [f"{_named(macro)}: {told}" for told in jinja.problems(macro["macro_sql"], declared=asked)]
    _refuse(folder.name, found)
    return {model: _told(folder.name, told) for model, told in refused.items() if told}


def _models_of(node: Mapping[str, Any], manifest: Mapping[str, Any]) -> set[str]:
    """The names of the models that cannot be made where a node is refused: itself, or those that a test is about."""
    tested = node.get("attached_node") or node.get("tested_node_unique_id")
    keys = [tested] if tested else [node["unique_id"]]
    if not tested and node["resource_type"] == "test":
        keys = node["depends_on"]["nodes"]
    about = [manifest["nodes"].get(key) for key in keys]
    return {each["name"] for each in about if each is not None and each["resource_type"] == "model"}


def _of_node(node: Mapping[str, Any], manifest: Mapping[str, Any], declared: Collection[str]) -> Iterator[str]:
    config, kind = node.get("config") or {}, node["resource_type"]
    materialised = config.get("materialized")
    if kind == "function":
        yield "functions of dbt are not supported: write it as a macro"
    if kind == "operation":
        yield jinja.HOOK
    if kind == "snapshot" or (kind == "model" and materialised not in _MATERIALISED):
        yield _INSTEAD.get(
            str(materialised), f"materialized='{materialised}' is not supported: write materialized='table'"
        )
        return
    if node.get("language") == "python":
        yield "a model in Python reads what it likes: write a pandas_transform, whose table a mart can read"
        return
    for when in ("pre-hook", "post-hook", "sql_header"):
        if config.get(when):
            yield f"{when}: {jinja.HOOK}"
    called = [macro["macro_sql"] for macro in _called(manifest, node["depends_on"].get("macros", ()))]
    asked = declared if _is_own(node, manifest) else None
    yield from jinja.problems(node.get("raw_code") or "", macros=called, declared=asked)
    if kind in ("model", "test") and node.get("compiled_code"):
        yield from sql.problems(node["compiled_code"], _relations(node, manifest))


def _relations(node: Mapping[str, Any], manifest: Mapping[str, Any]) -> set[sql.Relation]:
    """The relations that dbt knows a node to read, those of models that are written into it among them."""
    found: set[sql.Relation] = set()
    for key in node["depends_on"]["nodes"]:
        read = manifest["sources"].get(key) or manifest["nodes"].get(key)
        if read is None:
            continue
        found.add((read["schema"].lower(), (read.get("identifier") or read["alias"]).lower()))
        if (read.get("config") or {}).get("materialized") == "ephemeral":
            found |= _relations(read, manifest)
    return found


def _macros(manifest: Mapping[str, Any], nodes: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The project's own macros, and those of packages that it uses."""
    own = [key for key, macro in manifest["macros"].items() if _is_own(macro, manifest)]
    return _called(manifest, [*own, *(key for node in nodes.values() for key in node["depends_on"].get("macros", ()))])


def _called(manifest: Mapping[str, Any], keys: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    """These macros and all that they call, without dbt's own."""
    macros = manifest["macros"]
    reached: set[str] = set()
    ahead = [*keys]
    while ahead:
        key = ahead.pop()
        if key in macros and key not in reached:
            reached.add(key)
            ahead += macros[key]["depends_on"]["macros"]
    return (macros[key] for key in sorted(reached) if macros[key]["package_name"] not in _OF_DBT)


def _is_own(node: Mapping[str, Any], manifest: Mapping[str, Any]) -> bool:
    """Whether a node or a macro is the project's own, not that of a package."""
    return node["package_name"] == manifest["metadata"]["project_name"]


def _declared(folder: Path) -> set[str]:
    """The variables that a project declares, those for one package among them."""
    variables = project_settings(folder).get("vars") or {}
    nested = (value for value in variables.values() if isinstance(value, Mapping))
    return {*variables, *(name for value in nested for name in value)}


def _named(node: Mapping[str, Any]) -> str:
    kind = "test" if node["resource_type"] == "unit_test" else node["resource_type"]
    return f"{kind} {node['name']} ({node['original_file_path']})"


def _properties(folder: Path) -> Iterator[Path]:
    """The YAML files that dbt renders: of the project, and of the packages that it uses."""
    for project in (folder, *packages(folder)):
        yield project / SETTINGS
        for path in configured(project):
            yield from sorted(file for kind in ("*.yml", "*.yaml") for file in path.rglob(kind))


def _of_properties(file: Path, declared: Collection[str]) -> Iterator[str]:
    for place, text in _texts(_read(file)):
        for told in jinja.problems(text, declared=declared) if "{" in text else ():
            yield f"{place}: {told}"


def _texts(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Every text, with the keys that lead to it."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(item, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, place)


def _read(file: Path) -> Any:
    """What a YAML file holds; nothing where it is none, which dbt tells."""
    try:
        return yaml.safe_load(file.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None


def _refuse(project: str, found: list[str]) -> None:
    if found:
        raise DbtProblem(_told(project, found))


def _told(project: str, found: list[str]) -> str:
    return f"{project} would not give the same marts again: {'; '.join(dict.fromkeys(found))}"
