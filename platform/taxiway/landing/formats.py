"""What the files of a raw table look like: CSV, JSON lines or Parquet, as a project declares them. Plain data.

Without a declaration a text is taken as it is; what looks as if it were meant otherwise is told, as a warning.
"""

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Self

from taxiway.calendar import GRAINS
from taxiway.errors import DefinitionError
from taxiway.text_forms import TextForm

PACKERS = {".gz": "gzip", ".zst": "zstd"}
"""By the end of a file's name what it is packed with."""

_NAME = re.compile(r"[A-Za-z0-9*][A-Za-z0-9_*-]*(\.[A-Za-z0-9_*-]+)*")
_PLACEHOLDER = re.compile("|".join(rf"\{{{grain}\}}" for grain in GRAINS))
_QUOTES = ('"', "'")


@dataclass(frozen=True)
class Field:
    """How a column differs from the rest of its file, each None being as there.

    `null` are the texts that stand for a missing value, `()` for none; `trim` takes blanks from both ends first, so
    also from a number; `quoted_is_value` says that such a text in quotes is a value. `decimal` and `thousands` separate
    the digits of numbers, `format` is that of its dates, times or instants, `true` and `false` are words for these.
    """

    null: tuple[str, ...] | None = None
    trim: bool | None = None
    quoted_is_value: bool | None = None
    decimal: str | None = None
    thousands: str | None = None
    format: str | None = None
    true: tuple[str, ...] | None = None
    false: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Files:
    """The files that a raw table is made from.

    `name` is that of a file, with `{hour}`, `{day}`, `{week}` or `{month}` where there are files for each partition,
    and `*` where there are several: of all that lie there a partition is made, and anew once there is one more or one
    less. They have the columns of the table's contract without the `derived` ones, which the transform makes, and the
    `dropped` ones, with their types, which the table does not keep. `dated` is the column whose date or instant tells
    in which partition a row belongs, where the name says nothing of it. Raises DefinitionError for what no file can be.
    """

    name: str
    dropped: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), kw_only=True)
    derived: tuple[str, ...] = field(default=(), kw_only=True)
    # What a file is to be read as does not depend on it, so that it is told apart.
    dated: str | None = field(default=None, kw_only=True, repr=False)

    kind: ClassVar[str]
    packable: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Refuse what no file can be."""
        if not _NAME.fullmatch(_PLACEHOLDER.sub("x", self.name)):
            held = ", ".join(f"{{{grain}}}" for grain in GRAINS)
            self._refuse(f"its name has other than letters, digits, '-', '_', single dots, '*' and one of {held}")
        if self.name.endswith("*"):
            self._refuse("after its last '*' it says nothing, so that unfinished uploads would be read: end it as .csv")
        if self.packed and not self.packable:
            self._refuse(f"{self.kind} files are not packed as a whole: leave out {self.name[self.name.rindex('.') :]}")

    def __str__(self) -> str:
        """Its declaration, without what that leaves as it is."""
        plain = type(self)(self.name)
        said = ((each.name, getattr(self, each.name)) for each in fields(self) if each.name != "name")
        differing = (f"{name}={value!r}" for name, value in said if value != getattr(plain, name))
        return f"{type(self).__name__}({', '.join([repr(self.name), *differing])})"

    @property
    def packed(self) -> str:
        """What the files are packed with, by the end of their name; empty where they are plain."""
        return next((packer for end, packer in PACKERS.items() if self.name.endswith(end)), "")

    @property
    def several(self) -> bool:
        """Whether there may be several of a partition."""
        return "*" in self.name

    def gives_text(self, dtype: Any) -> bool:
        """Whether the reader leaves values that are to be of this Ibis type as the texts that they are."""
        raise NotImplementedError

    def form(self, _column: str) -> TextForm:
        """How the texts of a column write values."""
        return TextForm()

    def _refuse(self, why: str) -> None:
        raise DefinitionError(f"{type(self).__name__}({self.name!r}): {why}")


@dataclass(frozen=True, kw_only=True)
class _Texts(Files):
    """Files whose values are texts, and how these are understood, for all columns or, by `fields`, for one.

    `null` are the texts that stand for a missing value; `trim` takes blanks from both ends first. `decimal` and
    `thousands` separate the digits of numbers. `dates`, `times` and `instants` (these in UTC) are formats such as
    `%d.%m.%Y`, of `%Y %m %d %H %M %S %f`, with `%-d` where a zero may be left out; empty for ISO 8601. `true` and
    `false` are words for these.
    """

    null: tuple[str, ...] = ()
    trim: bool = False
    quoted_is_value: bool = False
    decimal: str = "."
    thousands: str = ""
    dates: str = ""
    times: str = ""
    instants: str = ""
    true: tuple[str, ...] = ("true",)
    false: tuple[str, ...] = ("false",)
    fields: Mapping[str, Field] = field(default_factory=lambda: MappingProxyType({}))
    unfinished: Literal["warn", "refuse"] = "warn"

    def __post_init__(self) -> None:
        """Refuse what cannot be understood."""
        super().__post_init__()
        words = [(each, getattr(self, each), "") for each in ("null", "true", "false")]
        words += [
            (each, getattr(own, each), f"{name}: ")
            for name, own in self.fields.items()
            for each in ("null", "true", "false")
            if getattr(own, each) is not None
        ]
        for what, given, where in words:
            if not (isinstance(given, tuple) and all(isinstance(text, str) for text in given)):
                self._refuse(f"{where}{what}: {given!r} is no tuple of texts: write {what}=('NA', '')")
        if self.unfinished not in ("warn", "refuse"):
            self._refuse(f"unfinished is 'warn' or 'refuse', not {self.unfinished!r}")
        try:
            for kind in ("dates", "times", "instants"):
                self.form("").moment(kind)
            for column in self.fields:
                self.form(column)
        except DefinitionError as error:
            self._refuse(str(error))

    def of(self, column: str) -> Field:
        """How a column is understood, nothing left open but a format of its own."""
        own = self.fields.get(column, Field())
        found = {each.name: getattr(own, each.name) for each in fields(Field)}
        return Field(**{n: getattr(self, n) if v is None and n != "format" else v for n, v in found.items()})

    def form(self, column: str) -> TextForm:
        """How the texts of a column write values; raises DefinitionError where that could not be understood."""
        own = self.of(column)
        formats = {name: own.format or getattr(self, name) for name in ("dates", "times", "instants")}
        return TextForm(own.decimal or ".", own.thousands or "", **formats, true=own.true or (), false=own.false or ())

    def or_as(self, given: Mapping[str, Any]) -> Self:
        """The same, understood as is `given` where its declaration says nothing of that."""
        plain = type(self)(self.name)
        says = any(getattr(self, name) != getattr(plain, name) for name in (*given, "fields"))
        return self if says else replace(self, **given)


@dataclass(frozen=True, kw_only=True)
class CSV(_Texts):
    """Files of records of fields, plain or, with a name that ends in `.gz` or `.zst`, packed.

    Fields are separated by `delimiter`; `quote` is around those that have delimiters, quotes (then twice) or ends of
    lines in them, None for none. `skip` lines stand above the header. `columns` are the names of the columns, in their
    order, of files that have no header. `quoted_is_value` says that a word for a missing value is a value in quotes,
    `unfinished` what becomes of a file whose last line has no end, and which may therefore be cut: it is read, with a
    warning, or refused.
    """

    name: str = field(kw_only=False)
    null: tuple[str, ...] = ("NA", "")
    delimiter: str = ","
    quote: str | None = '"'
    encoding: str = "utf-8"
    skip: int = 0
    columns: tuple[str, ...] = ()

    kind: ClassVar[str] = "CSV"

    def __post_init__(self) -> None:
        """Refuse what cannot be read."""
        super().__post_init__()
        if len(self.delimiter) != 1 or self.delimiter in '\n\r"' or ord(self.delimiter) > 127:
            self._refuse(f"delimiter={self.delimiter!r} is not one character of ASCII other than a quote")
        if self.quote not in (*_QUOTES, None) or self.quote == self.delimiter:
            self._refuse(f"quote={self.quote!r} is none: write quote='\"', quote=\"'\" or quote=None")
        if self.skip < 0:
            self._refuse(f"skip={self.skip} is no number of lines")
        if len(set(self.columns)) < len(self.columns):
            self._refuse("columns names one twice")
        try:
            codecs.lookup(self.encoding)
        except LookupError:
            self._refuse(f"encoding={self.encoding!r} is unknown: write one as utf-8, cp1252 or utf-16")

    def gives_text(self, dtype: Any) -> bool:  # noqa: ARG002 - of no type it is otherwise
        """Whether the reader leaves values as the texts that they are: all are."""
        return True


@dataclass(frozen=True, kw_only=True)
class JSONLines(_Texts):
    """Files with a JSON object in each line, in UTF-8, plain or packed as a name that ends in `.gz` or `.zst` says.

    What a line does not have is missing in it. Numbers keep every digit. A text of a number, date, time or instant is
    understood as in CSV; lists and records are lists and structs; bytes are texts in base64.
    """

    name: str = field(kw_only=False)

    kind: ClassVar[str] = "JSON lines"

    def gives_text(self, dtype: Any) -> bool:
        """Whether the reader leaves values as the texts that they are: all but bytes, lists and records."""
        return not (dtype.is_nested() or dtype.is_binary())


@dataclass(frozen=True)
class Parquet(Files):
    """Parquet files, whose columns have the types of the contract, or narrower ones that hold no other values."""

    kind: ClassVar[str] = "Parquet"
    packable: ClassVar[bool] = False

    def gives_text(self, dtype: Any) -> bool:  # noqa: ARG002 - of no type it is otherwise
        """Whether the reader leaves values as texts: none is."""
        return False
