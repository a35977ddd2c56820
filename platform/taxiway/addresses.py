"""The address of a table, `layer/name`, and the names derived from it. Nothing here does I/O."""

import re
from dataclasses import dataclass

from taxiway.errors import UsageError

QUARANTINE = "quarantine"
"""The layer of rejected rows."""

REFUSED = "refused"
"""The layer of the rows of partitions that were refused."""

_WORD = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def is_address(layer: str, name: str) -> bool:
    """Whether these are words that an address can be made of."""
    return all(_WORD.fullmatch(word) for word in (layer, *name.split("__")))


@dataclass(frozen=True, order=True)
class Address:
    """Where a table lives: `feature/flights`. Its words come from an allow-list, so they are
    safe in a path and as an SQL identifier."""

    layer: str
    name: str

    def __post_init__(self) -> None:
        if not is_address(self.layer, self.name):
            raise UsageError(
                f"'{self.layer}/{self.name}' is not a table address: write layer/name in "
                "lower-case letters, digits and single underscores, e.g. feature/flights"
            )

    @classmethod
    def parse(cls, text: "str | Address") -> "Address":
        """The address written as `layer/name` or `layer.name`; raises UsageError otherwise."""
        if isinstance(text, Address):
            return text
        layer, separator, name = text.replace(".", "/", 1).partition("/")
        if not separator:
            raise UsageError(f"'{text}' is not a table address: write layer/name, e.g. feature/flights")
        return cls(layer, name)

    @property
    def relation(self) -> str:
        """The name under which a transform and its SQL know the table: `feature_flights`."""
        return f"{self.layer}_{self.name}"

    @property
    def quarantine(self) -> "Address":
        """Where rejected rows of this table are kept: `quarantine/feature__flights`."""
        return Address(QUARANTINE, f"{self.layer}__{self.name}")

    @property
    def refused(self) -> "Address":
        """Where the rows of partitions that were refused are kept: `refused/feature__flights`."""
        return Address(REFUSED, f"{self.layer}__{self.name}")

    @property
    def owner(self) -> str:
        """The table whose rejected rows, or refused partitions, are kept here; itself for any other."""
        return self.name.replace("__", "/", 1) if self.layer in (QUARANTINE, REFUSED) else str(self)

    def __str__(self) -> str:
        return f"{self.layer}/{self.name}"
