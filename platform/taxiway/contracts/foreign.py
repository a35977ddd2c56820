"""What pandera lets a contract say and no engine could honour: refused when the contract compiles, never ignored."""

from collections.abc import Iterator, Mapping
from typing import Any

from pandera.api.dataframe.model_config import BaseConfig
from pandera.api.pandas.container import DataFrameSchema

from taxiway.contracts.model import Contract
from taxiway.errors import DefinitionError

# Said in Config by every contract that needs them, or true of every table anyhow.
_HONOURED: Mapping[str, tuple[Any, ...]] = {"strict": (True,), "unique_column_names": (True,)}
_ANY_VALUE = frozenset({"unique", "metadata"})
_INSTEAD: Mapping[str, str] = {
    "drop_invalid_rows": "rows that break a rule go to quarantine; say how many may with table(tolerance=...)",
    "strict": "a result with a column more is refused; select the columns in the transform",
    "ordered": "columns are found by their names; leave it out",
    "unique_column_names": "a table has each name once; leave it out",
    "add_missing_columns": "every column is there; make it in the transform",
    "on_missing_columns": "every column is there; make it in the transform",
    "coerce": "nothing is cast in silence; give the column its type in the transform",
    "dtype": "write the type of each column",
    "name": "the contract is called as its class; leave it out",
    "title": "the docstring says what a row is; leave it out",
    "description": "the docstring says what a row is; write it there",
    "from_format": "the platform reads and writes tables; leave it out",
    "to_format": "the platform reads and writes tables; leave it out",
}
_OF_OUR_OWN = {"unit", "known_at", "allow_nan", "allow_inf"}


def refuse_foreign(model: type[Contract], declared: DataFrameSchema, where: str) -> None:
    """Raise DefinitionError for what of a model could not be honoured, with what to write instead."""
    if not declared.columns:
        raise DefinitionError(f"{where}: declares no columns")
    for name, value, instead in _settings(model):
        raise DefinitionError(f"{where}: Config.{name} = {value!r} is not honoured: {instead}")
    if declared.checks:
        names = ", ".join(str(check.name) for check in declared.checks)
        raise DefinitionError(f"{where}: the check '{names}' of the whole frame cannot be compiled: write a @row_rule")
    if declared.index is not None or declared.parsers:
        raise DefinitionError(f"{where}: an index or a parser cannot be compiled: transform the data")
    for name, column in declared.columns.items():
        if column.unique:
            raise DefinitionError(f"{where}: column {name} says unique: write the key, Config.unique = ['{name}']")
        if column.parsers or column.coerce or column.regex or not column.required or column.default is not None:
            raise DefinitionError(
                f"{where}: column {name} has a parser, coerce, regex, default or is optional, which cannot be "
                "compiled: every column is there under its name, and the transform gives it its type"
            )
        for problem in _labels(column):
            raise DefinitionError(f"{where}: column {name} has {problem}")


def _settings(model: type[Contract]) -> Iterator[tuple[str, Any, str]]:
    """The settings of the model that differ from pandera's own and are not honoured, with what to do instead."""
    for name, default in vars(BaseConfig).items():
        value = getattr(model.__config__, name, default)
        if name.startswith("_") or name in _ANY_VALUE or value in (default, *_HONOURED.get(name, ())):
            continue
        # pandera calls a Config without a name as the model, and one that derives from it inherits that.
        if name == "name" and value in {base.__name__ for base in model.__mro__}:
            continue
        instead = "a table has no index; make it a column" if name.startswith("multiindex_") else "leave it out"
        yield name, value, _INSTEAD.get(name.removesuffix("_kwargs").removesuffix("_buffer"), instead)


def _labels(column: Any) -> Iterator[str]:
    """What a field says beside its checks that nothing would show or do."""
    if column.title is not None:
        yield f"the title {column.title!r}, which is not shown: write it into its description"
    if getattr(column, "on_missing", None) is not None:
        yield "on_missing, which is not honoured: every column is there"
    if any(check.n_failure_cases is not None for check in column.checks):
        yield "n_failure_cases, which is not honoured: five rows of each broken rule are shown"
    unknown = sorted(set(column.metadata or {}) - _OF_OUR_OWN)
    if unknown:
        yield f"the metadata {', '.join(unknown)}, which mean nothing here: write it with column(...)"
