"""Contracts: what a table must be (model, types), what that means (checks, rules), and the guard that holds it.

A contract is a pandera model; pandera is its language, not its executor.
"""

from taxiway.contracts.guard import (
    accepted,
    all_rows,
    audit,
    check_schema,
    key_audit,
    rejected,
    repeated_hashes,
    samples,
)
from taxiway.contracts.kept import as_kept, kept_schema
from taxiway.contracts.keys import SharedKeys, key_columns, shared_keys, shared_rows, shares_a_key, sharing
from taxiway.contracts.model import Contract, MaxLag, Volume, column, row_rule, table, table_rule
from taxiway.contracts.rules import Column, Rule, TableContract, compile_contract
from taxiway.contracts.types import (
    Arrow,
    Binary,
    Bool,
    Date,
    Float64,
    FloatList,
    Instant,
    Int16,
    Int32,
    Int64,
    Text,
    TextList,
)
from taxiway.contracts.verdict import Failure, Verdict, verdicts, with_examples, with_volume

__all__ = [
    "Arrow",
    "Binary",
    "Bool",
    "Column",
    "Contract",
    "Date",
    "Failure",
    "Float64",
    "FloatList",
    "Instant",
    "Int16",
    "Int32",
    "Int64",
    "MaxLag",
    "Rule",
    "SharedKeys",
    "TableContract",
    "Text",
    "TextList",
    "Verdict",
    "Volume",
    "accepted",
    "all_rows",
    "as_kept",
    "audit",
    "check_schema",
    "column",
    "compile_contract",
    "kept_schema",
    "key_audit",
    "key_columns",
    "rejected",
    "repeated_hashes",
    "row_rule",
    "samples",
    "shared_keys",
    "shared_rows",
    "shares_a_key",
    "sharing",
    "table",
    "table_rule",
    "verdicts",
    "with_examples",
    "with_volume",
]
