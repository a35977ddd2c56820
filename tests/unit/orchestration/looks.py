"""Looks at a landing zone, without Dagster around them."""

from dataclasses import dataclass, field
from types import SimpleNamespace

from tests.unit.orchestration.world import asked

from taxiway.materialise import Workspace
from taxiway.orchestration.landing_look import Limits, Look, look
from taxiway.orchestration.landing_memory import Memory


@dataclass
class Looks:
    """Looks at a landing zone, each with what the last one remembered; nothing runs."""

    place: Workspace
    memory: Memory = field(default_factory=Memory)

    def look(self, limits: Limits = Limits()) -> Look:  # noqa: B008
        found = look(self.place, self.memory, limits)
        self.memory = found.memory
        return found

    def asked(self, limits: Limits = Limits()) -> list[tuple[list[str], str | None]]:  # noqa: B008
        return asked_of(self.look(limits))


def asked_of(found: Look) -> list[tuple[list[str], str | None]]:
    """What a look asks for: tables, partition or range."""
    return asked(SimpleNamespace(run_requests=found.run_requests))  # type: ignore[arg-type]
