"""The catalogue as a page: `python -m taxiway.transforms.catalogue.listing` prints what docs/portability.md holds."""

from collections.abc import Iterator

from taxiway.transforms.catalogue import SUBJECTS, Operator


def listing() -> str:
    """Markdown tables by subject: what is certified, and what is refused, why, and what to write instead."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    for subject, entries in SUBJECTS.items():
        yield from ("", f"### {subject}", "", "| certified | as written |", "| --- | --- |")
        yield from (_row(entry.name, f"`{entry.written}`") for entry in entries if entry.certified)
        refused = [entry for entry in entries if not entry.certified]
        if refused:
            yield from ("", "| refused | as written | because | write instead |", "| --- | --- | --- | --- |")
            yield from map(_refused, refused)


def _refused(entry: Operator) -> str:
    return _row(entry.name, f"`{entry.written}`", entry.differs, entry.instead)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    print(listing(), end="")
