"""Which regular expressions RE2 (DuckDB) and Java (Spark) read alike, or can be made to."""

import re

_QUANTIFIER = r"(?:[*+?]|\{[0-9]{1,3}(?:,(?:[0-9]{1,3})?)?\})"
_KINDS = {"d": "0-9", "w": "0-9A-Za-z_", "s": "\\t\\n\\f\\r "}
_ESCAPED = r"\\[^0-9A-Za-z]|\\[nrtfz]"
_IN_CLASS = r"(?:\\[^0-9A-Za-z]|\\[nrtfdws]|[^\\\[\]&])"
_CLASS = rf"\[\^?{_IN_CLASS}+\]"
_REPEATED = rf"(?:{_ESCAPED}|\\[dwsDWS]|\.|{_CLASS}|\)|[^\\\[\]().$|^*+?{{}}]){_QUANTIFIER}?"
_TOKEN = rf"(?:{_REPEATED}|\((?:\?:)?|\||\^|\$)"
_PATTERN = re.compile(f"{_TOKEN}*", re.DOTALL)
_PARTS = re.compile(rf"{_CLASS}|\\.|[.$]", re.DOTALL)
_RANGE_OF_KIND = re.compile(r"\\[dws]-[^\]]")
_ASCII = re.compile(r"\^\[((?:[ -~]-[ -~]|[^\\\[\]^&-])+)\][*+](?:\$|\\z)")


def portable(pattern: object) -> str | None:
    r"""The pattern as engines read it alike: characters, classes, groups, `|`, `*`, `+`, `?`, `{2,3}`, `^` and `\z`.

    `.` is any character but a line feed, `$` the end of the text, `\d`, `\w` and `\s` are of ASCII. None for a pattern
    that is no constant, and for what cannot be said alike.
    """
    if not isinstance(pattern, str) or "\0" in pattern or _PATTERN.fullmatch(pattern) is None:
        return None
    if _RANGE_OF_KIND.search(pattern):
        return None
    return _PARTS.sub(_said, pattern)


def is_portable(pattern: object) -> bool:
    """Whether a pattern can be said alike to all engines."""
    return portable(pattern) is not None


def is_ascii(pattern: object) -> bool:
    """Whether a pattern says of a text that all its characters are of one class, without any beyond ASCII."""
    found = _ASCII.fullmatch(pattern) if isinstance(pattern, str) else None
    return found is not None and found[1].isascii()


def never_empty(pattern: object) -> bool:
    """Whether a portable pattern matches no empty text, of which engines find others."""
    made = portable(pattern)
    return made is not None and re.search(made.replace(r"\z", r"\Z"), "") is None


def _said(found: re.Match[str]) -> str:
    part = found[0]
    if part.startswith("["):
        return re.sub(r"\\([dws])", lambda kind: _KINDS[kind[1]], part)
    letter = part[-1]
    if part.startswith("\\"):
        if letter in _KINDS:
            return f"[{_KINDS[letter]}]"
        return f"[^{_KINDS[letter.lower()]}]" if letter.lower() in _KINDS and letter.isupper() else part
    return "[^\\n]" if part == "." else "\\z"
