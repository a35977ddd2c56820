"""What the tests of a project use: transforms on tables in memory, and proof that they do not read the future."""

from taxiway.testing.point_in_time import assert_point_in_time
from taxiway.testing.running import run_transform

__all__ = ["assert_point_in_time", "run_transform"]
