"""The catalogue as a page: `python -m taxiway.transforms.catalogue.listing` prints what docs/portability.md holds."""

from collections.abc import Iterator, Sequence

from taxiway.transforms.catalogue import SUBJECTS, Operator


def listing() -> str:
    """Markdown tables by subject: what is certified, what binds a table to one engine, and what is refused, why, and
    what to write instead."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    for subject, entries in SUBJECTS.items():
        yield from ("", f"### {subject}", "", "| certified | as written |", "| --- | --- |")
        yield from (_row(entry.name, f"`{entry.written}`") for entry in entries if entry.certified)
        others = [entry for entry in entries if not entry.certified]
        yield from _objected("bound to one engine", [entry for entry in others if not entry.varies])
        yield from _objected("refused", [entry for entry in others if entry.varies])


def _objected(title: str, entries: Sequence[Operator]) -> Iterator[str]:
    if entries:
        yield from ("", f"| {title} | as written | because | write instead |", "| --- | --- | --- | --- |")
        yield from (_row(entry.name, f"`{entry.written}`", entry.differs, entry.instead) for entry in entries)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    print(listing(), end="")
