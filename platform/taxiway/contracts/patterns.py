"""Regular expressions that mean the same in Python, in RE2 (DuckDB) and in Java (Spark)."""

import re

import pyarrow as pa
import pyarrow.compute as pc

from taxiway.errors import DefinitionError

_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?:|\(\?|.", re.DOTALL)
_ESCAPES = {r"\d": "0-9", r"\w": "0-9A-Za-z_"}


def portable(pattern: str, *, anchored: bool) -> str:
    r"""The pattern as every engine understands it; `anchored` at the start of the text, as `re.match` does.

    `$` is the end of the text, `.` any character but a line feed, `\d` and `\w` are ASCII. Raises
    DefinitionError for what engines disagree on or lack: look-around, back references, flags, `\b`, `\s`.
    """
    if not isinstance(pattern, str) or "\0" in pattern:
        raise DefinitionError(f"{pattern!r} is not the text of a pattern: write it as r'...'")
    try:
        re.compile(pattern)
        body = "".join(_translate(token, pattern) for token in _TOKEN.findall(pattern))
        translated = f"^(?:{body})" if anchored else body
        pc.call_function("match_substring_regex", [pa.array([""])], pc.MatchSubstringOptions(translated))
    except (re.error, pa.ArrowInvalid) as error:
        raise DefinitionError(f"the pattern {pattern!r} is not one that every engine understands: {error}") from error
    return translated


def _translate(token: str, pattern: str) -> str:
    if token == "$":
        return r"\z"
    if token == ".":
        return r"[^\n]"
    if token == "(?":
        raise DefinitionError(f"the pattern {pattern!r} has a group that engines lack: write (?:...) or (...)")
    if token.startswith("\\"):
        return _escape(token, pattern)
    if token.startswith("[") and len(token) > 1:
        return _character_class(token, pattern)
    return token


def _escape(token: str, pattern: str) -> str:
    if token.lower() in _ESCAPES:
        return f"[{'^' if token[1].isupper() else ''}{_ESCAPES[token.lower()]}]"
    if token[1].isalnum() and token not in (r"\n", r"\t", r"\r"):
        raise DefinitionError(
            f"the pattern {pattern!r} has {token}, which engines read differently: "
            r"write the characters out, such as [ \t], and ^ or $ for start and end"
        )
    return token


def _character_class(token: str, pattern: str) -> str:
    opening = "[^" if token.startswith("[^") else "["
    inner = token[len(opening) : -1]
    if "[" in inner or "&&" in inner or inner.startswith("]"):
        raise DefinitionError(f"the pattern {pattern!r} has {token}, which engines read differently: escape [ ] and &")
    parts = re.findall(r"\\.|[^\\]+", inner, re.DOTALL)
    return opening + "".join(_in_class(part, pattern) for part in parts) + "]"


def _in_class(part: str, pattern: str) -> str:
    if part in _ESCAPES:
        return _ESCAPES[part]
    if part in (r"\D", r"\W"):
        raise DefinitionError(f"the pattern {pattern!r} has {part} inside [ ]: write the characters out")
    return _escape(part, pattern) if part.startswith("\\") else part
