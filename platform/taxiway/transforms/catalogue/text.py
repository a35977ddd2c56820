"""Text: what may be done with it. Characters are Unicode's code points; text compares by them."""

from typing import Any

import ibis.expr.operations as ops

from taxiway.transforms.catalogue.operator import Keys, bound, certified, constant, is_count, is_text_of
from taxiway.transforms.catalogue.patterns import is_portable

_ASCII = "compare with the spellings that occur, x.isin(['a', 'A']); or change them in a batch_transform"


def _at_constants(node: Any, _: Keys) -> bool:
    ends = [end for name, end in zip(node.__argnames__, node.args, strict=True) if name != "arg"]
    return is_text_of(node.arg) and all(end is None or is_count(end) for end in ends)


def _pads(node: Any, _: Keys) -> bool:
    pad = constant(node.pad)
    return is_count(node.length) and isinstance(pad, str) and len(pad) == 1


def _like(node: Any, _: Keys) -> bool:
    pattern = constant(node.pattern)
    return node.escape is None and isinstance(pattern, str) and "\\" not in pattern


def _matches(node: Any, _: Keys) -> bool:
    return is_portable(constant(node.pattern))


def _extracts(node: Any, keys: Keys) -> bool:
    return _matches(node, keys) and is_count(node.index)


TEXT = (
    certified("text put together", "x + y, sep.join([x, y])", ops.StringConcat, ops.StringJoin),
    certified("length of text", "x.length()", ops.StringLength),
    certified(
        "part of text",
        "x.substr(0, 7), x[1:3], x.left(2), x.right(2)",
        ops.Substring,
        ops.StringSlice,
        ops.StrRight,
        when=_at_constants,
    ),
    bound(
        "part of text at a variable place",
        "x.substr(start, length)",
        ops.Substring,
        differs="a place before the start counts from the end, and by other rules on each engine",
        instead="x.substr(0, 7) with constants, x.right(2) for the end",
    ),
    certified(
        "text within text",
        "x.contains(y), x.startswith(y), x.endswith(y)",
        ops.StringContains,
        ops.StartsWith,
        ops.EndsWith,
    ),
    certified(
        "place of a text", "x.find(y)", ops.StringFind, when=lambda node, _: node.start is None and node.end is None
    ),
    certified("replaced text", "x.replace('a', 'b')", ops.StringReplace),
    certified("repeated text", "x.repeat(2)", ops.Repeat),
    certified("padded text", "x.lpad(4, '0'), x.rpad(4, ' ')", ops.LPad, ops.RPad, when=_pads),
    certified("text like a pattern", "x.like('a%')", ops.StringSQLLike, when=_like),
    bound(
        "text like a pattern with escapes",
        "x.like('100\\\\%')",
        ops.StringSQLLike,
        differs="a backslash is a character on DuckDB and an escape on Spark",
        instead="x.contains('100%'), or x.re_search with a portable pattern",
    ),
    certified("matching text", "x.re_search(r'^[A-Z]{2}\\z')", ops.RegexSearch, when=_matches),
    bound(
        "matching text, by other signs",
        "x.re_search(r'^.+$')",
        ops.RegexSearch,
        differs="$ and . mean other things beside a line's end, and classes such as \\s other characters",
        instead="\\z for the end of the text, [^\\n] for any character, [0-9A-Za-z_] for \\w, a constant pattern",
    ),
    certified("text taken out", "x.re_extract(r'([0-9]+)-([0-9]+)', 1)", ops.RegexExtract, when=_extracts),
    bound(
        "text replaced by pattern",
        "x.re_replace(p, y)",
        ops.RegexReplace,
        differs="DuckDB puts a group in as \\1, Spark as $1",
        instead="x.replace('a', 'b'), or x.re_extract and +",
    ),
    certified("digest of text", "x.hexdigest('sha256')", ops.HexDigest, when=lambda node, _: is_text_of(node.arg)),
    bound(
        "hash",
        "x.hash()",
        ops.Hash,
        differs="each engine has a function of its own",
        instead="x.cast('string').hexdigest('sha256')",
    ),
    bound(
        "upper and lower case",
        "x.upper(), x.lower(), x.capitalize()",
        ops.Uppercase,
        ops.Lowercase,
        ops.Capitalize,
        differs="engines change letters such as ß, İ and ﬁ differently",
        instead=_ASCII,
    ),
    bound(
        "text without its blanks",
        "x.strip(), x.lstrip(), x.rstrip()",
        ops.Strip,
        ops.LStrip,
        ops.RStrip,
        differs="Spark takes away other characters: of 'inf' x.strip() leaves 'in'",
        instead="x.re_extract(r'^[ ]*([^ ]+)', 1) for a word, or a rule of the contract that there are none",
    ),
    bound(
        "text backwards",
        "x.reverse()",
        ops.Reverse,
        differs="DuckDB keeps characters together that are shown as one, Spark does not",
        instead="the text as it is",
    ),
    bound(
        "distance of texts",
        "x.levenshtein(y)",
        ops.Levenshtein,
        differs="DuckDB counts bytes, Spark characters",
        instead="compute it in a batch_transform, which runs the same code for every engine",
    ),
    bound(
        "split text",
        "x.split('.')",
        ops.StringSplit,
        differs="Spark reads the separator as a pattern",
        instead="x.re_extract(r'^([^.]*)[.]([^.]*)', 2)",
    ),
)
