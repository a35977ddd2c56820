"""Thirty rules and a key on feature/flights, stated three times: as a contract, as SQL by hand, and to pandera.ibis."""

import ibis.expr.types as ir
import pandera.ibis as pandera

from taxiway import contracts
from taxiway.contracts import Bool, Contract, Date, Instant, Int16, Int32, Text, column, row_rule

ORIGINS = ["EWR", "JFK", "LGA"]


class Guarded(Contract):
    """A flight, with rules of every kind."""

    flight_id: Text = column("The flight")
    flight_date: Date = column("Day of the scheduled departure")
    carrier: Text = column("Airline", str_matches=r"^[0-9A-Z]{2}$")
    flight: Int32 = column("Number of the flight", le=9999)
    tailnum: Text = column("Tail number", nullable=True)
    origin: Text = column("Airport of departure", isin=ORIGINS)
    dest: Text = column("Airport of destination", str_matches=r"^[A-Z]{3}$")
    distance_mi: Int16 = column("Distance", ge=1)
    scheduled_departure_at: Instant = column("Scheduled departure")
    decision_at: Instant = column("When the prediction is made")
    departed_at: Instant = column("Departure", nullable=True)
    scheduled_arrival_at: Instant = column("Scheduled arrival")
    arrived_at: Instant = column("Arrival", nullable=True)
    dep_delay_min: Int16 = column("Departure delay", nullable=True, ge=-120, le=2000)
    arr_delay_min: Int16 = column("Arrival delay", nullable=True, ge=-240, le=2000)
    scheduled_duration_min: Int16 = column("Scheduled duration", ge=1, le=1500)
    scheduled_hour: Int16 = column("Hour of the scheduled departure", le=23)
    scheduled_weekday: Int16 = column("Weekday", isin=[1, 2, 3, 4, 5, 6, 7])
    is_cancelled: Bool = column("Whether it never departed")
    month: Text = column("Month of the schedule")

    class Config:
        unique = ["flight_id"]
        metadata = contracts.table(grain="month")

    @row_rule("it arrives after it departs")
    def arrives_later(t: ir.Table) -> ir.Value:
        return t.scheduled_arrival_at > t.scheduled_departure_at

    @row_rule("only a cancelled flight has no delay")
    def cancelled_is_told(t: ir.Table) -> ir.Value:
        return t.is_cancelled == t.dep_delay_min.isnull()


MANDATORY = [
    "flight_id",
    "flight_date",
    "carrier",
    "flight",
    "origin",
    "dest",
    "distance_mi",
    "scheduled_departure_at",
    "decision_at",
    "scheduled_arrival_at",
    "scheduled_duration_min",
    "scheduled_hour",
    "scheduled_weekday",
    "is_cancelled",
    "month",
]

# By the name that the contract gives the rule, what a bad row is in SQL. Null is not bad.
BAD_ROWS = {
    "carrier.str_matches": "NOT regexp_matches(carrier, '^[0-9A-Z]{2}$')",
    "flight.le": "flight > 9999",
    "origin.isin": "origin NOT IN ('EWR', 'JFK', 'LGA')",
    "dest.str_matches": "NOT regexp_matches(dest, '^[A-Z]{3}$')",
    "distance_mi.ge": "distance_mi < 1",
    "dep_delay_min.ge": "dep_delay_min < -120",
    "dep_delay_min.le": "dep_delay_min > 2000",
    "arr_delay_min.ge": "arr_delay_min < -240",
    "arr_delay_min.le": "arr_delay_min > 2000",
    "scheduled_duration_min.ge": "scheduled_duration_min < 1",
    "scheduled_duration_min.le": "scheduled_duration_min > 1500",
    "scheduled_hour.le": "scheduled_hour > 23",
    "scheduled_weekday.isin": "scheduled_weekday NOT IN (1, 2, 3, 4, 5, 6, 7)",
    "arrives_later": "scheduled_arrival_at <= scheduled_departure_at",
    "cancelled_is_told": "is_cancelled <> (dep_delay_min IS NULL)",
} | {f"{name}.missing": f"{name} IS NULL" for name in MANDATORY}

KEY_SQL = """SELECT month, count(*) AS duplicated_keys FROM (
    SELECT month, flight_id FROM staged GROUP BY month, flight_id HAVING count(*) > 1) GROUP BY month"""


def aggregate_sql(*, with_rejected: bool) -> str:
    """All rules in one aggregate by month, as one writes it by hand; perhaps with the rows that break any of them."""
    # DuckDB counts a CASE somewhat faster than it filters a count.
    counts = [f'count(CASE WHEN {bad} THEN 1 END) AS "{rule}"' for rule, bad in BAD_ROWS.items()]
    if with_rejected:
        any_bad = " OR ".join(f"({bad})" for bad in BAD_ROWS.values())
        counts.append(f"count(CASE WHEN {any_bad} THEN 1 END) AS rejected")
    return f"SELECT month, count(*) AS rows, {', '.join(counts)} FROM staged GROUP BY month"


def pandera_schema(*, with_key: bool) -> pandera.DataFrameSchema:
    """The same rules to pandera; a check of the whole frame looks at the columns of a row."""
    check = pandera.Check
    checks = {
        "carrier": [check.str_matches(r"^[0-9A-Z]{2}$")],
        "flight": [check.le(9999)],
        "origin": [check.isin(ORIGINS)],
        "dest": [check.str_matches(r"^[A-Z]{3}$")],
        "distance_mi": [check.ge(1)],
        "dep_delay_min": [check.ge(-120), check.le(2000)],
        "arr_delay_min": [check.ge(-240), check.le(2000)],
        "scheduled_duration_min": [check.ge(1), check.le(1500)],
        "scheduled_hour": [check.le(23)],
        "scheduled_weekday": [check.isin([1, 2, 3, 4, 5, 6, 7])],
    }
    names = dict.fromkeys([*MANDATORY, *checks])
    columns = {
        name: pandera.Column(checks=checks.get(name, []), nullable=name not in MANDATORY, name=name) for name in names
    }
    of_rows = [
        check(lambda data: data.table.scheduled_arrival_at > data.table.scheduled_departure_at, name="arrives_later"),
        check(
            lambda data: data.table.is_cancelled == data.table.dep_delay_min.isnull(),
            name="cancelled_is_told",
        ),
    ]
    return pandera.DataFrameSchema(columns, checks=of_rows, unique=["flight_id"] if with_key else None)


# What pandera calls a check that the contract calls otherwise.
PANDERA_NAMES = {"not_nullable": "missing", "greater_than_or_equal_to": "ge", "less_than_or_equal_to": "le"}


def pandera_rule(column: str | None, check: object) -> str:
    """What the contract calls the check of pandera that failed; a check of the whole frame has no column."""
    name = str(getattr(check, "name", check))
    return f"{column}.{PANDERA_NAMES.get(name, name)}" if column else name
