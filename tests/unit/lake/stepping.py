"""Every order in which the storage operations of two writers can happen.

Each writer has a store of its own, whose operations wait until they are let go, one at a time. What all orders come to
is found by trying them depth first; of orders that differ only in operations that do not touch the same place one is
tried (sleep sets, P. Godefroid, Partial-Order Methods for the Verification of Concurrent Systems, 1996).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from threading import Condition, Thread
from typing import Any

from taxiway.storage import Store, StoredFile

_WAIT_S = 60


@dataclass(frozen=True)
class Step:
    """An operation: whether it changes something, and where; a place that ends with a slash is all that is below."""

    changes: bool
    place: str

    def touches(self, other: "Step") -> bool:
        """Whether it matters which of the two comes first."""
        is_same = _covers(self.place, other.place) or _covers(other.place, self.place)
        return is_same and (self.changes or other.changes)


def _covers(place: str, other: str) -> bool:
    return place == other or (place.endswith("/") and other.startswith(place))


class Conductor:
    """Lets the writers' steps go, one at a time."""

    def __init__(self, writers: int) -> None:
        self._changed = Condition()
        self._waiting: dict[int, Step] = {}
        self._let_go: int | None = None
        self._ended: set[int] = set()
        self._writers = writers

    def step(self, writer: int, step: Step) -> None:
        """Wait in a writer until it may take this step."""
        with self._changed:
            self._waiting[writer] = step
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: self._let_go == writer, _WAIT_S), "nobody lets the writer go on"
            self._let_go = None
            del self._waiting[writer]

    def end(self, writer: int) -> None:
        """Say that a writer takes no more steps."""
        with self._changed:
            self._ended.add(writer)
            self._changed.notify_all()

    def next_steps(self) -> Mapping[int, Step]:
        """What each writer that has not ended is about to do, once all are about to."""
        with self._changed:
            ready = self._changed.wait_for(
                lambda: self._let_go is None and len(self._waiting.keys() | self._ended) == self._writers, _WAIT_S
            )
            assert ready, "a writer neither steps nor ends"
            return dict(self._waiting)

    def let_go(self, writer: int) -> None:
        """Let a writer take its step."""
        with self._changed:
            self._let_go = writer
            self._changed.notify_all()


@dataclass(frozen=True)
class SteppingStore(Store):
    """A store whose operations are steps of a writer."""

    conductor: Conductor = field(default_factory=lambda: Conductor(0), compare=False)
    writer: int = 0
    inside: str = ""

    def below(self, path: str) -> "SteppingStore":
        return SteppingStore(f"{self.uri}/{path}", self.s3, self.conductor, self.writer, f"{self.inside}{path}/")

    def find(self, path: str) -> StoredFile | None:
        self._step(path)
        return super().find(path)

    def read(self, path: str) -> bytes:
        self._step(path)
        return super().read(path)

    def read_part(self, path: str, start: int, end: int) -> bytes:
        self._step(path)
        return super().read_part(path, start, end)

    def files(self, path: str = "") -> Iterator[StoredFile]:
        self._step(f"{path}/")
        yield from list(super().files(path))

    def write(self, path: str, data: bytes, *, new: bool = False) -> None:
        self._step(path, changes=True)
        super().write(path, data, new=new)

    def remove(self, paths: Iterable[str]) -> None:
        for path in paths:
            self._step(path, changes=True)
            super().remove([path])

    def each(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        yield from map(function, items)

    def _step(self, path: str, *, changes: bool = False) -> None:
        self.conductor.step(self.writer, Step(changes, f"{self.inside}{path}"))


Work = Callable[[SteppingStore], Any]


@dataclass
class _Node:
    """A point of an order: what each writer was about to do, which of them need not be tried there, which were, and
    which was let go last."""

    steps: Mapping[int, Step]
    asleep: Mapping[int, Step]
    tried: dict[int, Step] = field(default_factory=dict)
    chosen: int = -1

    def choose(self, chance: Random) -> bool:
        """Choose a writer that was not tried yet, where there is one."""
        left = [writer for writer in sorted(self.steps) if writer not in self.asleep and writer not in self.tried]
        self.chosen = chance.choice(left) if left else -1
        return bool(left)


Order = tuple[list[int], Store, list[Any]]
"""The writers in the order of their steps, the store afterwards, and what each work gave or raised."""


def every_order(make: Callable[[], Store], works: Sequence[Work]) -> Iterator[Order]:
    """Each order that is possible, on a store of its own that `make` makes."""
    path: list[_Node] = []
    chance = Random(0)
    while True:
        order, store, results = _run(make, works, path, chance)
        if order:
            yield order, store, results
        while path:
            node = path[-1]
            node.tried[node.chosen] = node.steps[node.chosen]
            if node.choose(chance):
                break
            path.pop()
        if not path:
            return


def some_orders(make: Callable[[], Store], works: Sequence[Work], number: int) -> Iterator[Order]:
    """So many orders by chance, the same ones every time."""
    chance = Random(number)
    for _ in range(number):
        yield _run(make, works, [], chance)


def _run(make: Callable[[], Store], works: Sequence[Work], path: list[_Node], chance: Random) -> Order:
    """Take the path again and go on to an end; the order that it was, none where all that could come was seen."""
    store, conductor = make(), Conductor(len(works))
    results: list[Any] = [None] * len(works)

    def work(writer: int) -> None:
        try:
            results[writer] = works[writer](SteppingStore(store.uri, store.s3, conductor, writer))
        except Exception as error:
            results[writer] = error
        finally:
            conductor.end(writer)

    threads = [Thread(target=work, args=[writer], daemon=True) for writer in range(len(works))]
    for thread in threads:
        thread.start()
    order: list[int] = []
    is_new = True
    while steps := conductor.next_steps():
        depth = len(order)
        if is_new and depth == len(path):
            node = _Node(steps, _still_asleep(path[-1]) if path else {})
            is_new = node.choose(chance)
            if is_new:
                path.append(node)
        chosen = path[depth].chosen if is_new else min(steps)
        order.append(chosen)
        conductor.let_go(chosen)
    for thread in threads:
        thread.join(_WAIT_S)
    return order if is_new else [], store, results


def _still_asleep(node: _Node) -> Mapping[int, Step]:
    """Who need not be tried after the choice, as that does not matter to what it would do, which was tried before."""
    step = node.steps[node.chosen]
    others = {**node.asleep, **node.tried}
    return {writer: other for writer, other in others.items() if writer != node.chosen and not other.touches(step)}
