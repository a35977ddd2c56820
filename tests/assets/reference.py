"""What every feature of the flights project is, written row by row in plain Python for anyone to check.

Slow and independent of the platform: flights are dictionaries with the columns of feature/flights, and
each function returns the features of one flight as of its decision.
"""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

Row = Mapping[str, Any]
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@cache
def clock_shown(instant: datetime, zone: str) -> int:
    """The clock of a zone as a number, 517 for 5:17."""
    local = instant.astimezone(ZoneInfo(zone))
    return local.hour * 100 + local.minute


def next_time_shown(after: datetime, hhmm: int, zone: str) -> datetime:
    """The first minute later than `after` at which the clock shows `hhmm`: tried one after the other."""
    instant = after + MINUTE
    while clock_shown(instant, zone) != hhmm % 2400:
        instant += MINUTE
    return instant


def flight(delivered: Mapping[str, str | None], zones: Mapping[str, str]) -> dict[str, Any]:
    """A row of feature/flights from a delivered record of texts and the zones of the airports."""

    def text(name: str) -> str:
        found = delivered[name]
        assert found is not None, f"{name} is missing"
        return found

    def minutes(name: str) -> int | None:
        return None if delivered[name] is None else int(text(name))

    day = date(int(text("year")), int(text("month")), int(text("day")))
    hour = datetime.fromisoformat(text("time_hour")).astimezone(UTC)
    scheduled = hour + int(text("minute")) * MINUTE
    local = scheduled.astimezone(ZoneInfo(zones[text("origin")]))
    arrival = next_time_shown(scheduled, int(text("sched_arr_time")), zones[text("dest")])
    dep_delay, arr_delay = minutes("dep_delay"), minutes("arr_delay")
    names = ("carrier", "flight", "origin", "dest")
    return {
        "flight_id": "-".join([*map(text, names), day.isoformat()]),
        "flight_date": day,
        "carrier": text("carrier"),
        "flight": int(text("flight")),
        "tailnum": delivered["tailnum"],
        "origin": text("origin"),
        "dest": text("dest"),
        "distance_mi": int(text("distance")),
        "scheduled_departure_at": scheduled,
        "decision_at": scheduled - 2 * HOUR,
        "departed_at": None if dep_delay is None else scheduled + dep_delay * MINUTE,
        "scheduled_arrival_at": arrival,
        "arrived_at": None if arr_delay is None else arrival + arr_delay * MINUTE,
        "dep_delay_min": dep_delay,
        "arr_delay_min": arr_delay,
        "scheduled_duration_min": (arrival - scheduled) // MINUTE,
        "scheduled_hour": local.hour,
        "scheduled_weekday": local.isoweekday(),
        "is_cancelled": dep_delay is None,
        "month": f"{day:%Y-%m}",
    }


def grouped(rows: Iterable[Row], *names: str) -> dict[tuple, list[Row]]:
    """The rows by the values of these columns."""
    groups = defaultdict(list)
    for row in rows:
        groups[tuple(row[name] for name in names)].append(row)
    return groups


class Line:
    """Events in the order of an instant, those without it left out."""

    def __init__(self, events: Iterable[Row], at: str) -> None:
        self.events = sorted((event for event in events if event[at] is not None), key=lambda event: event[at])
        self.instants = [event[at] for event in self.events]

    def window(self, until: datetime, hours: int) -> list[Row]:
        """The events in the closed window of hours that ends at `until`."""
        return self.events[bisect_left(self.instants, until - hours * HOUR) : bisect_right(self.instants, until)]


def lines(rows: Iterable[Row], at: str, *names: str) -> dict[tuple, Line]:
    """The rows by the values of these columns, each group in the order of an instant; empty for a new one."""
    groups = defaultdict(lambda: Line((), at))
    return groups | {key: Line(group, at) for key, group in grouped(rows, *names).items()}


def mean(values: Sequence[int]) -> float | None:
    """The mean of whole numbers, None of nothing."""
    return sum(values) / len(values) if values else None


def origin_congestion(flights: Sequence[Row]) -> Callable[[Row], dict[str, Any]]:
    by_origin = lines(flights, "departed_at", "origin")

    def features(flight: Row) -> dict[str, Any]:
        found = {}
        for hours in (1, 3):
            left = by_origin[flight["origin"],].window(flight["decision_at"], hours)
            found[f"origin_departures_{hours}h"] = len(left)
            found[f"origin_mean_dep_delay_{hours}h_min"] = mean([one["dep_delay_min"] for one in left])
        return found

    return features


def carrier_punctuality(flights: Sequence[Row]) -> Callable[[Row], dict[str, Any]]:
    groups = lines(flights, "departed_at", "carrier", "origin")

    def features(flight: Row) -> dict[str, Any]:
        left = groups[flight["carrier"], flight["origin"]].window(flight["decision_at"], 24)
        return {
            "carrier_departures_24h": len(left),
            "carrier_mean_dep_delay_24h_min": mean([one["dep_delay_min"] for one in left]),
        }

    return features


def route_history(flights: Sequence[Row]) -> Callable[[Row], dict[str, Any]]:
    groups = lines(flights, "arrived_at", "origin", "dest")

    def features(flight: Row) -> dict[str, Any]:
        came = groups[flight["origin"], flight["dest"]].window(flight["decision_at"], 720)
        return {
            "route_arrivals_30d": len(came),
            "route_mean_arr_delay_30d_min": mean([one["arr_delay_min"] for one in came]),
            "route_late_share_30d": mean([int(one["arr_delay_min"] >= 15) for one in came]),
        }

    return features


def weather_outlook(weather: Sequence[Row]) -> Callable[[Row], dict[str, Any]]:
    by_origin = lines(weather, "observed_at", "origin")
    columns = {
        "temperature_f": "temp",
        "wind_speed_mph": "wind_speed",
        "wind_gust_mph": "wind_gust",
        "precipitation_in": "precip",
        "visibility_mi": "visib",
        "pressure_mbar": "pressure",
    }

    def features(flight: Row) -> dict[str, Any]:
        seen = by_origin[flight["origin"],].window(flight["decision_at"], 3)
        last = max(seen, key=lambda one: one["observed_at"], default=None)
        age = (flight["decision_at"] - last["observed_at"]) // MINUTE if last else None
        return {new: last[old] if last else None for new, old in columns.items()} | {"observation_age_min": age}

    return features


def aircraft_rotation(flights: Sequence[Row]) -> Callable[[Row], dict[str, Any]]:
    with_tail = [flight for flight in flights if flight["tailnum"] is not None]
    arrivals = lines(with_tail, "arrived_at", "tailnum")
    departures = lines(with_tail, "departed_at", "tailnum")

    def features(flight: Row) -> dict[str, Any]:
        came = arrivals[flight["tailnum"],].window(flight["decision_at"], 24)
        left = departures[flight["tailnum"],].window(flight["decision_at"], 24)
        last = max(came, key=lambda one: (one["arrived_at"], one["flight_id"]), default=None)
        departed = max((one["departed_at"] for one in left), default=None)
        return {
            "aircraft_last_arr_delay_min": last["arr_delay_min"] if last else None,
            "aircraft_since_last_departure_min": (flight["decision_at"] - departed) // MINUTE if departed else None,
        }

    return features


def schedule_pressure(flights: Sequence[Row]) -> Callable[[Row], dict[str, Any]]:
    scheduled = Counter((one["origin"], one["scheduled_departure_at"].replace(minute=0)) for one in flights)

    def features(flight: Row) -> dict[str, Any]:
        hour = flight["scheduled_departure_at"].replace(minute=0)
        return {
            "scheduled_departures_same_hour": scheduled[flight["origin"], hour],
            "scheduled_departures_previous_hour": scheduled[flight["origin"], hour - HOUR],
        }

    return features


def delay_features(aircraft: Mapping[str, Row]) -> Callable[[Row], dict[str, Any]]:
    """What delay_features has beyond the flight's own columns and the other feature tables."""

    def features(flight: Row) -> dict[str, Any]:
        plane = aircraft.get(flight["tailnum"])
        built = plane["year"] if plane else None
        delay = flight["arr_delay_min"]
        return {
            "aircraft_seats": plane["seats"] if plane else None,
            "aircraft_age_years": None if built is None else flight["flight_date"].year - built,
            "is_late": None if delay is None else delay >= 15,
        }

    return features
