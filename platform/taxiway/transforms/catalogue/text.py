"""Text: what may be done with it. Characters are Unicode's code points; text compares by them."""

from typing import Any

import ibis.expr.operations as ops

from taxiway.transforms.catalogue.operator import Keys, bound, certified, constant, is_count, is_text_of
from taxiway.transforms.catalogue.patterns import is_ascii, is_portable, never_empty

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


def _replaces(node: Any, _: Keys) -> bool:
    text = constant(node.replacement)
    return never_empty(constant(node.pattern)) and isinstance(text, str) and not set(text) & {"\\", "$", "\0"}


def _splits(node: Any, _: Keys) -> bool:
    separator = constant(node.delimiter)
    return isinstance(separator, str) and separator not in ("", "\0") and separator.isascii()


def _is_ascii(node: Any, _: Keys) -> bool:
    """Whether a filter below leaves only rows in which the text is of ASCII."""
    value = node.arg
    while isinstance(value, ops.Field):
        relation = value.rel
        if isinstance(relation, ops.Filter) and any(_says_ascii(one, value.name) for one in relation.predicates):
            return True
        below = getattr(relation, "values", {}).get(value.name)
        if not isinstance(relation, ops.Filter | ops.Project | ops.Sort) or not isinstance(below, ops.Field):
            return False
        value = below
    return False


def _says_ascii(predicate: Any, name: str) -> bool:
    asked = getattr(predicate, "arg", None)
    is_search = isinstance(predicate, ops.RegexSearch) and isinstance(asked, ops.Field) and asked.name == name
    return is_search and is_ascii(constant(predicate.pattern))


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
    certified("text taken out", "x.re_extract(r'([0-9]+)-([0-9]+)', 1)", ops.RegexExtract, when=_extracts),
    certified("text replaced by pattern", "x.re_replace('[^0-9]', '')", ops.RegexReplace, when=_replaces),
    bound(
        "matching text, by other signs",
        "x.re_search(r'\\ba(?i)b')",
        ops.RegexSearch,
        ops.RegexExtract,
        differs="flags, bounds of words and look-around mean other things, or one engine has none",
        instead="a constant pattern of characters, classes, groups, |, *, +, ?, ., ^ and $",
    ),
    bound(
        "text replaced by pattern, with groups",
        "x.re_replace('(a)', '\\\\1')",
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
    certified(
        "upper and lower case of ASCII",
        "t.filter(t.x.re_search('^[ -~]*$')).mutate(y=t.x.upper())",
        ops.Uppercase,
        ops.Lowercase,
        ops.Capitalize,
        when=_is_ascii,
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
    certified(
        "text without its blanks",
        "x.strip(), x.lstrip(), x.rstrip(): blanks, tabs, ends of lines and pages",
        ops.Strip,
        ops.LStrip,
        ops.RStrip,
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
    certified("split text", "x.split('.')", ops.StringSplit, when=_splits),
    bound(
        "text split by a column",
        "x.split(y), x.split('')",
        ops.StringSplit,
        differs="Spark reads the separator as a pattern",
        instead="x.split('.') by a constant",
    ),
)
