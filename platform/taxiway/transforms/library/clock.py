"""Instants and clocks: arithmetic on UTC instants, and what the clock of a zone shows.

`local_clock`, `instant_of` and `epoch_us` are functions that every engine's session defines; the first
two are the only access to time zones. Everything else here is integer arithmetic on microseconds, because the engines'
own date functions disagree on parts of a unit.
"""

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.types as ir

from taxiway.transforms.library.typing import typed
from taxiway.transforms.library.values import Boolean, Clock, Day, Instant, Text, Whole

INSTANT = dt.Timestamp(timezone="UTC", scale=6)
CLOCK = dt.Timestamp(scale=6)
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@ibis.udf.scalar.builtin(signature=((INSTANT, dt.string), CLOCK))
def local_clock(instant: Instant, zone: Text) -> Clock:
    """What the clock of `zone` (a name such as `America/New_York`) shows at an instant."""


@ibis.udf.scalar.builtin(signature=((CLOCK, dt.string), INSTANT))
def instant_of(clock: Clock, zone: Text) -> Instant:
    """The instant at which the clock of `zone` shows `clock`: the first of two, and where the clock skips it, as if
    it had not."""


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
    null where one of them is null. Exact on nights on which clocks change: a time shown twice is the
    first one later than `after`, a skipped one that of the following day. Assumes that a zone changes
    its clock by whole minutes, less than a day, at most once within five days.
    """
    minute_of_day = shown_minutes(rows[after])
    rows = rows.mutate(_zone=rows[zone], _day=plus_minutes(rows[after], -minute_of_day), _minute=minute_of_day)
    t = rows.left_join(_offsets(rows), ["_zone", "_day"])
    # The clock is asked row by row only where it changes; elsewhere it is the day's offset.
    utc: Whole = t["_minute"]
    steady = (utc + t["_offset"]) % 1440
    shown = ibis.ifelse(t["_change"] == 0, steady, shown_minutes(local_clock(t[after], t[zone])))
    t = t.mutate(_shown=shown)
    t = t.mutate(_ahead=clock_minutes(t[hhmm]) - t["_shown"])
    ahead: Whole = t["_ahead"]
    first = plus_minutes(t[after], ibis.ifelse(ahead > 0, ahead, ahead + 1440))
    found = ibis.ifelse(t["_change"] == 0, first, _across_a_change(t, after, zone))
    kept = [column for column in rows.columns if column not in ("_zone", "_day", "_minute")]
    return t.select(*kept, **{name: found})


def _offsets(rows: ir.Table) -> ir.Table:
    """For each zone and day in UTC the clock's offset as it starts, and the change within five days, in minutes."""
    days = rows.select("_zone", "_day").distinct()
    end = plus_minutes(days["_day"], 5 * 1440)
    offset = minutes_between(days["_day"], local_clock(days["_day"], days["_zone"]))
    later = minutes_between(end, local_clock(end, days["_zone"]))
    return days.mutate(_offset=offset, _change=later - offset)


def _across_a_change(t: ir.Table, after: str, zone: str) -> Instant:
    """The earliest instant, by the old offset or the new on each of four days, that shows the time."""
    ahead: Whole = t["_ahead"]
    wanted = (ahead + t["_shown"]) % 1440
    candidates = []
    for day in (-1, 0, 1, 2):
        for moved in (0, t["_change"]):
            minutes = ahead + day * 1440 - moved
            instant = plus_minutes(t[after], minutes)
            shows = shown_minutes(local_clock(instant, t[zone])) == wanted
            candidates.append(ibis.ifelse((minutes > 0) & shows, instant, ibis.null(INSTANT)))
    return ibis.least(*candidates)
