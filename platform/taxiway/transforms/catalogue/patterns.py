"""Which regular expressions RE2 (DuckDB) and Java (Spark) read alike."""

import re

_QUANTIFIER = r"(?:[*+?]|\{[0-9]{1,3}(?:,(?:[0-9]{1,3})?)?\})"
_ESCAPED = r"\\[^0-9A-Za-z]|\\[nrtz]"
_IN_CLASS = r"(?:\\[^0-9A-Za-z]|\\[nrt]|[^\\\[\]&])"
_REPEATED = rf"(?:{_ESCAPED}|\[\^?{_IN_CLASS}+\]|\)|[^\\\[\]().$|^*+?{{}}]){_QUANTIFIER}?"
_TOKEN = rf"(?:{_REPEATED}|\((?:\?:)?|\||\^)"
_PATTERN = re.compile(f"{_TOKEN}*", re.DOTALL)


def is_portable(pattern: object) -> bool:
    r"""Whether engines read a pattern alike: characters, classes, groups, `|`, `*`, `+`, `?`, `{2,3}`, `^` and `\z`.

    `.` and `$` mean other things beside a line's end, `\s` and `\w` other characters.
    """
    return isinstance(pattern, str) and "\0" not in pattern and _PATTERN.fullmatch(pattern) is not None
