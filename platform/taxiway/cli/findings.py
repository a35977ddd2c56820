"""What an examination finds."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "missing", "optional", "warning"]


@dataclass(frozen=True)
class Finding:
    """What was looked at, whether it is there (`optional`: it is not, and only an extra needs it; `warning`: it is, and
    something is not as it might be), and what to do."""

    check: str
    status: Status
    found: str
    advice: str = ""
