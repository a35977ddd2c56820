"""Instants and clocks: arithmetic on UTC instants, and what the clock of a zone shows.

`local_clock`, `instant_of`, `known_zone` and `epoch_us` are functions that every engine's session defines; the first
three are the only access to time zones, whose names are `taxiway.zones`. Everything else here is integer arithmetic on
microseconds, because the engines' own date functions disagree on parts of a unit.
"""

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.types as ir

from taxiway.calendar import Grain
from taxiway.transforms.blocks import RowWise, state
from taxiway.transforms.library.typing import typed
from taxiway.transforms.library.values import Boolean, Clock, Day, Instant, Text, Whole
from taxiway.zones import see_that_is_zone

INSTANT = dt.Timestamp(timezone="UTC", scale=6)
CLOCK = dt.Timestamp(scale=6)
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE


@ibis.udf.scalar.builtin(name="local_clock", signature=((INSTANT, dt.string), CLOCK))
def _local_clock(instant: Instant, zone: Text) -> Clock: ...


@ibis.udf.scalar.builtin(name="instant_of", signature=((CLOCK, dt.string), INSTANT))
def _instant_of(clock: Clock, zone: Text) -> Instant: ...


@ibis.udf.scalar.builtin(name="clock_of_known", signature=((INSTANT, dt.string), CLOCK))
def _clock_of_known(instant: Instant, zone: Text) -> Clock:
    """As `local_clock`, of a zone that was seen to be one: an error of the engine of any other."""


@ibis.udf.scalar.builtin(name="known_zone", signature=((dt.string,), dt.string))
def _known_zone(zone: Text) -> Text: ...


def local_clock(instant: Instant, zone: Text) -> Clock:
    """What the clock of `zone` (a name such as `America/New_York`) shows at an instant; null where no zone has that
    name.

    Raises DefinitionError for a constant that is none.
    """
    return _local_clock(instant, _checked(zone))


def instant_of(clock: Clock, zone: Text) -> Instant:
    """The instant at which the clock of `zone` shows `clock`: the first of two, and where the clock skips it, as if
    it had not; null where no zone has that name.

    Raises DefinitionError for a constant that is none.
    """
    return _instant_of(clock, _checked(zone))


def is_zone(name: Text) -> Boolean:
    """Whether a time zone has exactly that name, so that clocks in it are not null; null for null.

    As a rule of a contract it puts the row with an unknown zone into quarantine, where the zone is delivered.
    """
    return ibis.ifelse(name.isnull(), ibis.null("boolean"), _known_zone(name).notnull())


def _checked(zone: Text) -> Text:
    operation = zone.op() if isinstance(zone, ir.Value) else None
    name = operation.value if isinstance(operation, ops.Literal) else zone
    if isinstance(name, str):
        see_that_is_zone(name)
    return zone


@ibis.udf.scalar.builtin(signature=((INSTANT,), dt.int64))
def epoch_us(instant: Instant) -> Whole:
    """Microseconds since 1970 began in UTC."""


def microseconds(moment: Instant | Clock) -> Whole:
    """Microseconds since 1970 began, int64: of an instant in UTC, of a clock on that clock."""
    return epoch_us(moment.cast(INSTANT))


def plus_minutes(instant: Instant, minutes: Whole | int) -> Instant:
    """The instant that many minutes later (earlier where negative); null where either is null.

    Minutes beyond 32 bits, some 4,000 years, are an error of the engine.
    """
    if isinstance(minutes, int):
        return instant + ibis.interval(minutes=minutes)
    # An interval of 64 bits overflows on one engine and wraps on the other. Ibis would leave out a cast from what it
    # takes for 32 bits, which a contract then reads as 64.
    short: Whole = ops.Cast(minutes, dt.int32).to_expr()
    return instant + short.as_interval("m")


def minutes_between(earlier: Instant | Clock, later: Instant | Clock) -> Whole:
    """Whole minutes from `earlier` to `later`, rounded down, int64; negative where `later` is earlier."""
    return (microseconds(later) - microseconds(earlier)) // MINUTE


def calendar_date(year: Whole, month: Whole, day: Whole) -> Day:
    """The date of that year, 1 to 9999, month and day; null where there is none (2013-02-30) or one is null."""
    digits = [_digits(year, 4), _digits(month, 2), _digits(day, 2)]
    return typed(digits[0] + "-" + digits[1] + "-" + digits[2], dt.date)


def _digits(number: Whole, width: int) -> Text:
    """The number with leading zeros; null where it has more digits, or is negative."""
    wide = number.cast("int64")
    fits = wide.between(0, 10**width - 1)
    return ibis.ifelse(fits, (wide + 10**width).cast("string").substr(1, width), ibis.null("string"))


def partition_of(instant: Instant, grain: Grain, zone: str) -> Text:
    """The key of the partition of a grain in which an instant lies on the clock of `zone`, as `taxiway.calendar` writes
    it; null for null.

    Of an hour that the clock shows twice the second has its offset from UTC: `2013-11-03T01-0500`. Raises
    DefinitionError for what is no zone.
    """
    shown = local_clock(instant, zone)
    day = shown.date()
    date: Text = day.cast("string")
    if grain == "month":
        return date.substr(0, 7)
    if grain == "week":
        weekday: Whole = day.day_of_week.index()
        thursday = plus_minutes(shown.cast(INSTANT), (3 - weekday.cast("int32")) * 1440).date()
        return thursday.cast("string").substr(0, 4) + "-W" + _digits(day.week_of_year(), 2)
    if grain == "day":
        return date
    offset = (microseconds(shown) - microseconds(instant)) // MINUTE
    ahead: Whole = offset.abs()
    written = ibis.ifelse(offset < 0, "-", "+") + _digits(ahead // 60, 2) + _digits(ahead % 60, 2)
    # An hour ago the clock showed the same.
    again = microseconds(shown) == microseconds(local_clock(plus_minutes(instant, -60), zone))
    return date + "T" + _digits(shown.hour(), 2) + ibis.ifelse(again, written, "")


def is_clock(hhmm: Whole) -> Boolean:
    """Whether a clock can show that number, 0 to 2359, or 2400 for the end of the day; null for null."""
    return (hhmm >= 0) & (hhmm <= 2400) & (hhmm % 100 < 60)


def clock_minutes(hhmm: Whole) -> Whole:
    """Minutes since midnight of a clock written as a number, 517 for 5:17; 2400 is midnight, 0."""
    return (hhmm // 100 * 60 + hhmm % 100) % 1440


def shown_minutes(clock: Clock) -> Whole:
    """Minutes since midnight that a clock shows."""
    return clock.hour() * 60 + clock.minute()


def next_clock(rows: ir.Table, name: str, *, after: str, hhmm: str, zone: str) -> ir.Table:
    """The rows with a column `name`: the first instant later than `after` at which a clock shows `hhmm`.

    The arguments name columns: an instant of whole minutes, a clock as a number, and the clock's zone;
    null where one of them is null, or the zone unknown. Exact on nights on which clocks change: a time shown
    twice is the first one later than `after`, a skipped one that of the following day. Assumes that a zone
    changes its clock by whole minutes, less than a day, at most once within five days.
    """
    given, minute_of_day = rows, shown_minutes(rows[after])
    rows = rows.mutate(
        _zone=_known_zone(rows[zone]), _day=plus_minutes(rows[after], -minute_of_day), _minute=minute_of_day
    )
    t = rows.left_join(_offsets(rows), ["_zone", "_day"])
    # The clock is asked row by row only where it changes; elsewhere it is the day's offset.
    utc: Whole = t["_minute"]
    steady = (utc + t["_offset"]) % 1440
    shown = ibis.ifelse(t["_change"] == 0, steady, shown_minutes(_clock_of_known(t[after], t["_zone"])))
    t = t.mutate(_shown=shown)
    t = t.mutate(_ahead=clock_minutes(t[hhmm]) - t["_shown"])
    ahead: Whole = t["_ahead"]
    first = plus_minutes(t[after], ibis.ifelse(ahead > 0, ahead, ahead + 1440))
    found = ibis.ifelse(t["_change"] == 0, first, _across_a_change(t, after))
    return state(t.select(*given.columns, **{name: found}), RowWise(given.op()))


def _offsets(rows: ir.Table) -> ir.Table:
    """For each zone and day in UTC the clock's offset as it starts, and the change within five days, in minutes."""
    days = rows.select("_zone", "_day").distinct()
    end = plus_minutes(days["_day"], 5 * 1440)
    offset = minutes_between(days["_day"], _clock_of_known(days["_day"], days["_zone"]))
    later = minutes_between(end, _clock_of_known(end, days["_zone"]))
    return days.mutate(_offset=offset, _change=later - offset)


def _across_a_change(t: ir.Table, after: str) -> Instant:
    """The earliest instant, by the old offset or the new on each of four days, that shows the time."""
    ahead: Whole = t["_ahead"]
    wanted = (ahead + t["_shown"]) % 1440
    candidates = []
    for day in (-1, 0, 1, 2):
        for moved in (0, t["_change"]):
            minutes = ahead + day * 1440 - moved
            instant = plus_minutes(t[after], minutes)
            shows = shown_minutes(_clock_of_known(instant, t["_zone"])) == wanted
            candidates.append(ibis.ifelse((minutes > 0) & shows, instant, ibis.null(INSTANT)))
    return ibis.least(*candidates)
