"""Time zones: `known` names them, `data` compares what the engines say of their clocks, `java` reads Java's file."""

from taxiway.zones.known import ZONES, see_that_is_zone

__all__ = ["ZONES", "see_that_is_zone"]
