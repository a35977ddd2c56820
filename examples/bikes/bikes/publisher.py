"""Plays the operator, which delivers each hour's rentals as one file a region. Where real files arrive, it goes."""

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq

from taxiway.calendar import Calendar, grain_of

from bikes.clock import CITY
from bikes.stations import FOLDER

# How many bikes a station rents out in each hour of the clock, on a working day and at a weekend.
WORKING = (0.2, 0.1, 0.1, 0.1, 0.2, 0.6, 1.8, 3.6, 5.0, 3.0, 1.8, 1.9, 2.2, 2.1, 2.0, 2.3, 3.2, 5.2, 4.8, 3.0, 1.9)
WEEKEND = (0.6, 0.5, 0.3, 0.2, 0.1, 0.2, 0.4, 0.8, 1.5, 2.3, 3.0, 3.4, 3.6, 3.7, 3.6, 3.4, 3.1, 2.8, 2.2, 1.6, 1.2)
EVENING = (1.3, 0.9, 0.5)
MEMBERS = 0.8
MEMBER_FREE_MIN = 45
UNLOCK, MINUTE = Decimal("1.25"), Decimal("0.15")


@dataclass(frozen=True)
class Rental:
    """One rental, as the operator knows it once the bike is back."""

    rental_id: str
    region: str
    station_id: str
    started_at: datetime
    ended_at: datetime
    is_member: bool
    price: Decimal

    def record(self) -> dict[str, object]:
        """What its line holds; the price is a text, as a number in JSON is a float to many readers."""
        times = {name: f"{getattr(self, name):%Y-%m-%dT%H:%M:%SZ}" for name in ("started_at", "ended_at")}
        return vars(self) | times | {"price": str(self.price)}


def deliveries(partitions: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Name and content of each region's file of each of these hours."""
    stations = pq.read_table(FOLDER).to_pylist()
    for hour in (key for key in partitions if grain_of(key) == "hour"):
        for region in sorted({station["region"] for station in stations}):
            own = [station["station_id"] for station in stations if station["region"] == region]
            records = [rental.record() for rental in rentals(hour, region, own)]
            lines = "".join(json.dumps(record) + "\n" for record in spoilt(hour, region, records))
            yield f"rentals-{hour}-{region}.jsonl.gz", gzip.compress(lines.encode(), mtime=0)


def rentals(hour: str, region: str, stations: Sequence[str]) -> list[Rental]:
    """The rentals of a region that end in an hour, in the order in which they do; the same each time."""
    chance = Random(f"{hour} {region}")  # noqa: S311 - rentals are no secret
    begins = Calendar(hour, zone=CITY).span(hour).start
    shown = begins.astimezone(ZoneInfo(CITY))
    usual = ((WEEKEND if shown.weekday() >= 5 else WORKING) + EVENING)[shown.hour]
    ended = [
        (begins + timedelta(seconds=chance.randrange(3600)), at) for at in stations for _ in range(drawn(chance, usual))
    ]
    return [
        rental(chance, f"{region[:2].upper()}{begins.astimezone(UTC):%y%m%d%H}{number:03}", region, station, at)
        for number, (at, station) in enumerate(sorted(ended), start=1)
    ]


def drawn(chance: Random, usual: float) -> int:
    """How many there are, up to 12, where there usually are so many."""
    return sum(chance.random() < usual / 12 for _ in range(12))


def rental(chance: Random, number: str, region: str, station: str, ended_at: datetime) -> Rental:
    """One that ends then: members ride shorter, and pay for what is beyond 45 minutes only."""
    is_member = chance.random() < MEMBERS
    minutes = 2 + int(chance.expovariate(1 / (11 if is_member else 24)))
    paid = max(0, minutes - MEMBER_FREE_MIN) if is_member else minutes
    price = (Decimal("0.00") if is_member else UNLOCK) + MINUTE * paid
    return Rental(number, region, station, ended_at - timedelta(minutes=minutes), ended_at, is_member, price)


def spoilt(hour: str, region: str, records: list[dict[str, object]]) -> list[dict[str, object]]:
    """The records as they are but for three: of one evening each, a price is negative, has a fraction of a cent, or the
    bike is back before it was taken."""
    faults = {
        "2013-10-30T18": {"price": "-3.50"},
        "2013-11-02T17": {"price": "2.125"},
        "2013-11-04T18": {"started_at": "2013-11-05T00:00:00Z"},
    }
    if region != "brooklyn" or hour not in faults:
        return records
    return [records[0] | faults[hour], *records[1:]]
