"""What the tests of a project use: transforms on tables in memory, and proof that they neither read the future nor see
beyond their partition.
"""

from taxiway.testing.partitions import assert_partitions_independent
from taxiway.testing.point_in_time import assert_point_in_time
from taxiway.testing.running import run_transform

__all__ = ["assert_partitions_independent", "assert_point_in_time", "run_transform"]
