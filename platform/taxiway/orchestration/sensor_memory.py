"""What a sensor remembers, kept beside its cursor: the UI shows a cursor in full, and this one fills its page."""

from hashlib import sha256

import dagster as dg

# A preview of a tick in the UI remembers as well; what the last tick did must not be lost to that.
_KEPT = 3
_DIGITS = 12


def remember(instance: dg.DagsterInstance, sensor: str, text: str) -> str:
    """Keep a text of one line and return the few digits under which `recall` finds it until some others were kept."""
    before = _kept(instance, sensor)
    digits = sha256(text.encode()).hexdigest()[:_DIGITS]
    others = {name: kept for name, kept in before.items() if name != digits}
    newest = [*others.items(), (digits, text)][-_KEPT:]
    if newest != [*before.items()]:
        lines = "\n".join(f"{name} {kept}" for name, kept in newest)
        instance.daemon_cursor_storage.set_cursor_values({_key(sensor): lines})
    return digits


def recall(instance: dg.DagsterInstance, sensor: str, digits: str) -> str | None:
    """The text that was kept under these digits; None where there is none any more."""
    return _kept(instance, sensor).get(digits)


def _kept(instance: dg.DagsterInstance, sensor: str) -> dict[str, str]:
    key = _key(sensor)
    # Texts may be of megabytes, which lines hold as they are.
    lines = (instance.daemon_cursor_storage.get_cursor_values({key}).get(key) or "").split("\n")
    return {name: text for name, _, text in (line.partition(" ") for line in lines if line)}


def _key(sensor: str) -> str:
    return f"taxiway/{sensor}"
