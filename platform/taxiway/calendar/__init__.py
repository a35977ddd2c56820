"""The calendar of a project: grains, the keys of their partitions, and the instants between which each lies.

`keys` says how keys are written, `starts` when the partitions of a clock begin, `calendar` which of them a project has.
Pure values: nothing here asks what time it is.
"""

from taxiway.calendar.calendar import Calendar
from taxiway.calendar.keys import GRAINS, Grain, Interval, grain_of, see_that_is_key
from taxiway.calendar.starts import key_of_date

__all__ = ["GRAINS", "Calendar", "Grain", "Interval", "grain_of", "key_of_date", "see_that_is_key"]
