"""A table of so many commits: what it takes to open it, with all that is known of it, and to publish one more.

`python many_commits.py PLACE NUMBER` prints JSON; PLACE is an empty folder, or one in a bucket.
"""

import json
import sys
import time
from collections.abc import Callable
from statistics import median

import pyarrow as pa

from taxiway.addresses import Address
from taxiway.lake import Lake
from taxiway.settings.buckets import load_s3
from taxiway.storage import Store
from tests.working import publish

AT = Address("feature", "levels")
TIMES = 30


def main(uri: str, number: int) -> None:
    """Make the table, then measure."""
    store = Store(uri)
    lake = Lake(store if store.is_folder else Store(uri, load_s3({})))
    for commit in range(number):
        add(lake, commit)
    opened = median(timed(lambda: lake.open(AT).partitions) for _ in range(TIMES))
    published = median(timed(lambda one=one: add(lake, one)) for one in range(number, number + TIMES))
    print(json.dumps({"open_seconds": opened, "publish_seconds": published}))


def add(lake: Lake, commit: int) -> None:
    """Publish one of twelve months anew."""
    month = f"2013-{commit % 12 + 1:02d}"
    publish(lake, str(AT), pa.table({"month": [month], "level": [commit]}), [month], lake.find(AT))


def timed(work: Callable[[], object]) -> float:
    """How long it took, in seconds."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
