"""The gauges with readings up to the last hour of each month, so that windows reach over the ends of months."""

from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import replace

from tests.gauges import project as gauges


def deliveries(months: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """A reading every six hours on the first and the last three days of each month."""
    yield "gauges.csv", b"gauge,river\nAAA,Elbe\nBBB,Oder\n"
    for month in months:
        last = monthrange(int(month[:4]), int(month[5:]))[1]
        lines = ["gauge,read_at,level_cm,remark"]
        for day in (1, 2, 3, last - 2, last - 1, last):
            for hour in range(0, 24, 6):
                for gauge, offset in (("AAA", 0), ("BBB", 100)):
                    level = "NA" if day == 2 and gauge == "BBB" else str(int(month[5:]) * 10 + day + offset)
                    lines.append(f"{gauge},{month}-{day:02d}T{hour:02d}:00:00Z,{level},")
        yield f"readings-{month}.csv", ("\n".join(lines) + "\n").encode()


project = replace(gauges, deliveries=deliveries)
