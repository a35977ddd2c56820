"""The gauges project with a publisher whose deliveries can be spoilt, as the command line sees it."""

from dataclasses import replace

from tests import gauges


def spoil(kind: str, name: str, data: bytes) -> bytes:
    """Readings with text in place of a tenth and more of the levels (`too-many`), or of one (`one`), or one record
    that is a bare number (`short`)."""
    if not name.startswith("readings-"):
        return data
    lines = data.splitlines(keepends=True)
    if kind == "short":
        return b"".join([*lines[:10], b"17\n", *lines[11:]])
    chosen = range(10, 11) if kind == "one" else range(10, 60)
    for number in chosen:
        lines[number] = b",".join([*lines[number].split(b",")[:2], b"high", b"\n"])
    return b"".join(lines)


project = replace(
    gauges.project,
    spoil=spoil,
    faults={
        "one": "one level is text",
        "short": "one record is a bare number",
        "too-many": "more than a tenth of the levels are text",
    },
    tour={"the levels by river": 'taxiway sql "from feature.river_month"'},
)
