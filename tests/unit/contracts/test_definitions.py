"""What a contract may not say is refused when definitions load, with its name and what to write instead."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, cast

import ibis
import pandera.pandas as pandera
import pytest
from tests.unit.contracts.guarding import of_one

from taxiway.contracts import (
    Bool,
    Contract,
    Date,
    Float64,
    Instant,
    Int16,
    Int64,
    MaxLag,
    Text,
    TextList,
    column,
    compile_contract,
    row_rule,
    table,
    table_rule,
)
from taxiway.errors import DefinitionError

AT = datetime(2013, 1, 1)  # noqa: DTZ001

REFUSED: list[tuple[Any, dict[str, Any], str]] = [
    (Float64, {"ge": float("nan")}, "cannot be compared exactly"),
    (Float64, {"ge": 2**53 + 1}, "cannot be compared exactly"),
    (Float64, {"ge": "0"}, "cannot be compared exactly"),
    (Int64, {"ge": 0.5}, "cannot be compared exactly"),
    (Int64, {"ge": True}, "cannot be compared exactly"),
    (Int64, {"le": 2**63}, "cannot be compared exactly"),
    (Int16, {"isin": [1, None]}, "cannot be compared exactly"),
    (Int16, {"isin": []}, "no values"),
    (Text, {"isin": ["a\0b"]}, "cannot be compared exactly"),
    (Text, {"str_contains": "a\0b"}, "is not the text of a pattern"),
    (Text, {"isin": "abc"}, "not a list of values"),
    (Bool, {"eq": 1}, "cannot be compared exactly"),
    (Date, {"ge": datetime(2013, 1, 1, tzinfo=UTC)}, "cannot be compared exactly"),
    (Instant, {"ge": AT}, "cannot be compared exactly"),
    (Instant, {"ge": date(2013, 1, 1)}, "cannot be compared exactly"),
    (Int64, {"str_matches": "1"}, "does not apply"),
    (Float64, {"str_length": 1}, "does not apply"),
    (TextList, {"isin": ["a"]}, "does not apply"),
    (Text, {"unique_values_eq": ["a"]}, "cannot be compiled: write it as a @row_rule or a @table_rule"),
    (Text, {"ne": "a", "ignore_na": False}, "cannot be compiled"),
    (Int64, {"coerce": True}, "coerce"),
    (Int64, {"unique": True}, r"write the key, Config.unique = \['value'\]"),
    (Int64, {"default": 0}, "default"),
    (Int64, {"known_at": "row"}, "not a column of type Instant"),
    (Int64, {"regex": True}, "regex"),
    (Int64, {"required": False}, "is optional"),
    (Int64, {"title": "Number"}, "the title 'Number', which is not shown: write it into its description"),
    (Int64, {"ge": 0, "n_failure_cases": 3}, "n_failure_cases, which is not honoured"),
    (Int64, {"allow_nan": True}, "value is int64: allow_nan and allow_inf are of floats"),
    (Text, {"allow_inf": True}, "value is string: allow_nan and allow_inf are of floats"),
    *[
        (Text, {"str_matches": pattern}, "engines|every engine|write the characters out")
        for pattern in [r"(?=a)", r"(?i)a", r"(a)\1", r"a\b", r"\s", r"[[a]", r"[a&&b]", r"[\D]", "a++", r"\Z"]
    ],
]


@pytest.mark.parametrize(("dtype", "check", "told"), REFUSED)
def test_a_check_that_cannot_be_compiled_is_refused(dtype: Any, check: dict[str, Any], told: str):
    with pytest.raises(DefinitionError, match=told) as refusal:
        compile_contract(of_one(dtype, **check))
    assert "contract OfOne: column value" in str(refusal.value)


def test_an_unknown_check_or_severity_is_refused_where_it_is_written():
    with pytest.raises(DefinitionError, match="custom check 'positive' is not available"):
        column("A number", positive=True)
    with pytest.raises(DefinitionError, match=r"column 'A text': missing [)]"):
        column("A text", str_matches="a(")
    with pytest.raises(DefinitionError, match="severity is 'error' or 'warn'"):
        column("A number", severity="fatal")  # pyright: ignore[reportArgumentType]
    with pytest.raises(DefinitionError, match="severity is 'error' or 'warn'"):
        row_rule("a rule", severity="info")  # pyright: ignore[reportArgumentType]


def test_a_rule_may_read_hidden_columns_that_it_declares():
    declared = row_rule("a rule", hidden={"_seen": "boolean"})(lambda t: t["_seen"])
    rule = compile_contract(with_body(seen=declared)).rule("seen")
    assert rule.hidden == {"_seen": "boolean"}
    with pytest.raises(DefinitionError, match="rule 'seen' cannot be compiled"):
        compile_contract(with_body(seen=row_rule("a rule")(lambda t: t["_seen"])))
    with pytest.raises(DefinitionError, match="are no hidden columns"):
        row_rule("a rule", hidden={"seen": "boolean"})


def with_body(**body: Any) -> type[Contract]:
    """A contract of two columns with these further or other parts."""
    plain: dict[str, Any] = {
        "__doc__": "A row.",
        "__annotations__": {"row": Int64, "day": Date, "at": Instant, "month": Text},
        "row": column("Number"),
        "day": column("Day"),
        "at": column("Moment", nullable=True),
        "month": column("Month"),
        "Config": type("Config", (), {"unique": ["row"]}),
    }
    return type("Odd", (Contract,), {**plain, **body})


def config(**options: Any) -> dict[str, Any]:
    return {"Config": type("Config", (), {"unique": ["row"], **options})}


BODIES: list[tuple[dict[str, Any], str]] = [
    ({"__doc__": None}, "docstring"),
    (config(unique=None), "has no key"),
    (config(unique=["at"]), "at is part of the key or the partition and cannot be nullable"),
    (config(unique=["nothing"]), "nothing, which is not a column"),
    (config(metadata=table(grain="day")), "day, which is not a column of type Text"),
    (config(metadata=table(grain=cast(Any, "year"))), "no grain 'year': write one of hour, day, week, month"),
    (config(metadata=table(partition="month")), "the partition column month, and no grain: write table.grain="),
    (config(metadata=table(tolerance=1.5)), "not a share"),
    (config(metadata={"owner": "me"}), "write Config.metadata = table"),
    (config(metadata={"volume": 10}), "volume 10 is no volume: write volume=Volume"),
    (config(metadata={"key_within_partition": True}), "key_within_partition, but the table has no partitions"),
    (config(metadata=table(max_lag=MaxLag(1, of=("day",), since="day"))), "day, which is not a column of type Instant"),
    (config(metadata=table(max_lag=MaxLag(1, of=("at",), since="at"))), "at, which is not a column of type Date"),
    (config(coerce=True), "Config.coerce = True is not honoured: nothing is cast in silence"),
    (config(drop_invalid_rows=True), "Config.drop_invalid_rows = True .* quarantine; say how many may with table"),
    (config(strict="filter"), "Config.strict = 'filter' .* select the columns in the transform"),
    (config(ordered=True), "Config.ordered = True is not honoured: columns are found by their names; leave it out"),
    (config(add_missing_columns=True), "Config.add_missing_columns = True .* make it in the transform"),
    (config(on_missing_columns="warn"), "Config.on_missing_columns = 'warn' .* make it in the transform"),
    (config(dtype="int64"), "Config.dtype = .* write the type of each column"),
    (config(name="other"), "Config.name = 'other' .* called as its class"),
    (config(title="Rows"), "Config.title = 'Rows' .* the docstring"),
    (config(description="A row"), "Config.description = 'A row' .* the docstring"),
    (config(multiindex_strict=True), "Config.multiindex_strict = True .* a table has no index"),
    (config(multiindex_name="row"), "Config.multiindex_name = 'row' .* a table has no index"),
    (config(from_format="csv"), "Config.from_format = 'csv' .* reads and writes tables"),
    (config(to_format_kwargs={"a": 1}), "Config.to_format_kwargs = .* reads and writes tables"),
    (
        {"positive": pandera.check("row")(lambda cls, values: values > 0)},
        "column row: the check '<lambda>' cannot be compiled: write it as a",
    ),
    (
        {"whole": pandera.dataframe_check(lambda cls, rows: rows["row"] > 0)},
        "whole.* cannot be compiled: write a @row_",
    ),
    ({"halved": pandera.parser("row")(lambda cls, values: values / 2)}, "row has a parser"),
    ({"sorted": pandera.dataframe_parser(lambda cls, rows: rows)}, "a parser cannot be compiled: transform the data"),
    ({"row": pandera.Field(description="Number", metadata={"owner": "me"})}, "row has the metadata owner, which mean"),
    (config(greater_than=3), "write a @row_rule"),
    ({"key": row_rule("a rule")(lambda t: t["row"].notnull())}, "rename the rule"),
    ({"row": pandera.Field()}, "row has no description"),
    ({"__annotations__": {"row": int, "day": Date, "at": Instant, "month": Text}}, "has the type int64"),
]


@pytest.mark.parametrize(("body", "told"), BODIES)
def test_a_contract_that_is_not_whole_is_refused(body: dict[str, Any], told: str):
    with pytest.raises(DefinitionError, match=told) as refusal:
        compile_contract(with_body(**body))
    assert "contract Odd" in str(refusal.value)


RULES: list[tuple[Callable[[str], Any], Callable[[Any], Any], str]] = [
    (row_rule, lambda t: True, "must return a boolean Ibis expression"),
    (row_rule, lambda t: t["row"], "must return a boolean Ibis expression"),
    (row_rule, lambda t: t.nothing > 1, "cannot be compiled"),
    (row_rule, lambda t: t["row"].max() > 1, "declare it with @table_rule"),
    (row_rule, lambda t: t["row"] > t["row"].max(), "declare it with @table_rule"),
    (row_rule, lambda t: t["row"] > t["row"].lag(), "declare it with @table_rule"),
    (row_rule, lambda t: t["at"] < ibis.now(), "clock or a random number"),
    (row_rule, lambda t: ibis.random().isnull(), "clock or a random number"),
    (table_rule, lambda t: t["row"] > 1, "declare it with @row_rule"),
    (table_rule, lambda t: t.filter(t["row"] > 1).count() > 1, "filters or joins"),
    (table_rule, lambda t: t.count() > ibis.table({"x": "int64"}, name="other").count(), "filters or joins"),
]


@pytest.mark.parametrize(("declare", "holds", "told"), RULES)
def test_a_rule_that_is_no_rule_is_refused(declare: Callable[[str], Any], holds: Callable[[Any], Any], told: str):
    with pytest.raises(DefinitionError, match=told) as refusal:
        compile_contract(with_body(odd_rule=declare("odd")(holds)))
    assert "contract Odd: rule 'odd_rule'" in str(refusal.value)


@pytest.mark.parametrize("bad", [{"hours": 0}, {"of": ()}, {"zone": "Mars/Olympus"}, {"zone": "../etc/passwd"}])
def test_a_max_lag_without_meaning_is_refused(bad: dict[str, Any]):
    with pytest.raises(DefinitionError):
        MaxLag(**{"hours": 1, "of": ("at",), "since": "day", **bad})


def test_a_contract_compiles_once_to_what_it_states():
    model = with_body(
        **config(metadata=table(grain="month", max_lag=MaxLag(48, of=("at",), since="day"))),
        at=column("Moment", nullable=True, known_at="at", unit="UTC"),
    )
    contract = compile_contract(model)
    assert compile_contract(model) is contract
    assert list(contract.columns) == contract.schema.names == ["row", "day", "at", "month"]
    assert (contract.key, contract.partition, contract.tolerance) == (("row",), "month", 0.0)
    moment = contract.columns["at"]
    assert (moment.description, moment.unit, moment.known_at, moment.nullable) == ("Moment", "UTC", "at", True)
    assert contract.ibis_schema["at"] == ibis.dtype("timestamp('UTC', 6)")
    assert [rule.name for rule in contract.rules] == ["row.missing", "day.missing", "month.missing", "at.max_lag"]


def _table(partition: str | None) -> dict[str, Any]:
    return table(grain="month", partition=partition) if partition is not None else table()


def named(*names: str, partition: str | None = None, **types: Any) -> type[Contract]:
    """A contract with columns of these names, the first of them its key."""
    fields: dict[str, Any] = {
        "__annotations__": {f"c{number}": types.get(name, Text) for number, name in enumerate(names)},
        "__doc__": "One row.",
        "Config": type("Config", (), {"unique": [names[0]], "metadata": _table(partition)}),
    }
    fields |= {f"c{number}": column("A column", alias=name) for number, name in enumerate(names)}
    return type("Named", (Contract,), fields)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("a", "A"), "a and A are one column to SQL"),
        (("key", "Rows", "rows"), "Rows and rows are one column"),
        (("_hidden",), "underscore"),
        (("__index_level_0__",), "underscore"),
        *[
            ((name,), "cannot be columns on every engine: write names of letters")
            for name in ("a b", "a.b", 'a"b', "a`b")
        ],
        *[
            ((name,), "cannot be columns on every engine")
            for name in ("größe", "\u0430", "1st", "a,b", "a=b", "x" * 129)
        ],
    ],
)
def test_names_that_engines_take_for_another_are_refused(names: tuple[str, ...], told: str) -> None:
    with pytest.raises(DefinitionError, match=re.escape(told)):
        compile_contract(named(*names))


@pytest.mark.parametrize("name", ["reasons", "delivered", "source_file", "source_row", "Delivered"])
def test_a_partition_is_not_called_what_quarantine_has_of_every_row(name: str) -> None:
    with pytest.raises(DefinitionError, match=f"partition names {name}, which quarantine has of every row"):
        compile_contract(named("id", name, partition=name))


def test_where_a_row_comes_from_has_the_type_that_quarantine_keeps() -> None:
    with pytest.raises(DefinitionError, match="source_row, which is not a column of type Int64"):
        compile_contract(named("id", "source_row"))
    compile_contract(named("id", "source_row", "source_file", source_row=Int64))


def test_what_every_table_keeps_anyhow_may_be_said():
    plain, said = (with_body(**config(**options)) for options in ({}, {"strict": True, "unique_column_names": True}))
    assert [rule.name for rule in compile_contract(said).rules] == [rule.name for rule in compile_contract(plain).rules]


def test_an_alias_is_the_name_of_the_column():
    model = of_one(Int64, alias="from", ge=0)
    contract = compile_contract(model)
    assert (list(contract.columns), [rule.name for rule in contract.rules]) == (
        ["row", "from"],
        ["row.missing", "from.ge"],
    )
