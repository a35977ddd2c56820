"""What may have been meant by a name that there is not."""

import re
from collections.abc import Iterable
from difflib import SequenceMatcher

_NEAR = 0.8
_MOST = 3
_SHORTEST_WORD = 3
_BETWEEN_WORDS = re.compile(r"[^a-z0-9]+")


def nearest(name: str, known: Iterable[str], prefix: str = "") -> str:
    """What may have been meant, in words: the near names, or where none is near what there is, in the given order.

    Of addresses, `layer/name`, those of the same layer are told where it has any. `prefix` is put before each name.
    """
    names = list(dict.fromkeys(known))
    meant = near(name, names)
    if meant:
        return f"did you mean {' or '.join(f'{prefix}{each}' for each in meant)}?"
    layer, slash, _ = name.rpartition("/")
    own = [each for each in names if slash and each.startswith(f"{layer}/")]
    listed = ", ".join(f"{prefix}{each}" for each in own or names) or "none"
    return f"{layer} has: {listed}" if own else f"there are: {listed}"


def near(name: str, known: Iterable[str]) -> list[str]:
    """The known names that are near, the nearest first: misspelt, of another layer, or with a word in common."""
    names = list(known)
    # A word that every name has says nothing of what was meant.
    common = set.intersection(*map(_words, names)) if len(names) > 1 else set()
    scored = [(_likeness(name, each, common), number) for number, each in enumerate(names)]
    best = sorted((found for found in scored if found[0] > 0), key=lambda found: (-found[0], found[1]))
    return [names[number] for _, number in best[:_MOST]]


def _likeness(name: str, other: str, common: set[str]) -> float:
    """How near two names are, from 0 for not at all."""
    layer, slash, own = name.lower().rpartition("/")
    other_layer, _, others = other.lower().rpartition("/")
    alike = _ratio(own, others)
    layers = _ratio(layer, other_layer)
    # Another layer is meant only where its own name is misspelt, or the table's name is right.
    same_layer = layers >= _NEAR or not slash
    if alike >= _NEAR and (same_layer or own == others):
        return 1 + alike + same_layer * layers
    shared = any(_ratio(word, another) >= _NEAR for word in _words(own) - common for another in _words(others) - common)
    return alike if shared and (layer == other_layer or not slash) else 0.0


def _ratio(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def _words(name: str) -> set[str]:
    words = _BETWEEN_WORDS.split(name.lower().rpartition("/")[2])
    return {word for word in words if len(word) >= _SHORTEST_WORD}
