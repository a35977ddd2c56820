"""How a delivered text writes a value: separators of digits, formats of dates and times, words for true and false."""

import re
from dataclasses import dataclass

from taxiway.errors import DefinitionError

# By directive: the part of a moment, and the pattern of its digits, of one group.
_DIRECTIVES = {
    "%Y": ("Y", "([0-9]{4})"),
    "%m": ("m", "([0-9]{2})"),
    "%d": ("d", "([0-9]{2})"),
    "%H": ("H", "([0-9]{2})"),
    "%M": ("M", "([0-9]{2})"),
    "%S": ("S", "([0-9]{2})"),
    "%f": ("f", "([0-9]{1,6})"),
    "%-m": ("m", "([0-9]{1,2})"),
    "%-d": ("d", "([0-9]{1,2})"),
    "%-H": ("H", "([0-9]{1,2})"),
}
_NEEDED = {"dates": "Ymd", "times": "HM", "instants": "YmdHM"}
_ALLOWED = {"dates": "Ymd", "times": "HMSf", "instants": "YmdHMSf"}
_SEPARATORS = ".,'’ _\u00a0\u202f"
_EXAMPLE = {"Y": "2013", "m": "01", "d": "31", "H": "10", "M": "05", "S": "00", "f": "5"}


@dataclass(frozen=True)
class Moment:
    """A format of a date, a time or an instant: a pattern that a text has to match, which group of it is which part
    (`Y m d H M S f`), and an example."""

    pattern: str
    groups: dict[str, int]
    example: str


@dataclass(frozen=True)
class TextForm:
    """How texts write numbers, dates, times, instants (empty for ISO 8601), true and false.

    Raises DefinitionError for separators that are none, and formats in which a part is missing, twice or unknown.
    """

    decimal: str = "."
    thousands: str = ""
    dates: str = ""
    times: str = ""
    instants: str = ""
    true: tuple[str, ...] = ("true",)
    false: tuple[str, ...] = ("false",)

    def __post_init__(self) -> None:
        if self.decimal not in (".", ","):
            raise DefinitionError(f"decimal={self.decimal!r} is neither '.' nor ','")
        if len(self.thousands) > 1 or self.thousands not in _SEPARATORS or self.thousands == self.decimal:
            raise DefinitionError(f"thousands={self.thousands!r} separates no digits: write one as '.', ',' or ' '")
        if not self.true or not self.false or set(self.true) & set(self.false):
            raise DefinitionError("true and false need words, and other ones each")

    @property
    def is_plain_number(self) -> bool:
        """Whether numbers are written as in programs."""
        return self.decimal == "." and not self.thousands

    def moment(self, kind: str) -> Moment | None:
        """The format of `dates`, `times` or `instants`, None for ISO 8601; raises DefinitionError where it is none."""
        text = getattr(self, kind)
        return _moment(kind, text) if text else None


def _moment(kind: str, text: str) -> Moment:
    pattern, example = "^", ""
    groups: dict[str, int] = {}
    for token in re.findall(r"%-?.|%|[^%]", text, re.DOTALL):
        part, digits = _DIRECTIVES.get(token, ("", ""))
        if part:
            if part in groups:
                raise DefinitionError(f"the format {text!r} has {token} twice")
            groups[part] = len(groups) + 1
            pattern += digits
            example += _EXAMPLE[part]
        elif token.startswith("%") or ord(token) < 32 or token in "[]&^":
            raise DefinitionError(
                f"the format {text!r} has {token!r}: write one of {' '.join(_DIRECTIVES)} and what stands between them"
            )
        else:
            pattern += token if token.isalnum() or token in " -/:_" else f"[{token}]"
            example += token
    missing = [f"%{part}" for part in _NEEDED[kind] if part not in groups]
    foreign = [f"%{part}" for part in groups if part not in _ALLOWED[kind]]
    if missing or foreign:
        told = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"has {', '.join(foreign)}"] * bool(foreign)
        raise DefinitionError(f"the format {text!r} of {kind} {' and '.join(told)}")
    if "f" in groups and "S" not in groups:
        raise DefinitionError(f"the format {text!r} of {kind} has %f without %S")
    return Moment(pattern + r"\z", groups, example)
