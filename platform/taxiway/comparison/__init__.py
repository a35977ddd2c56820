"""Where a frame and a table of the lake differ: the question (`compare`), what is compared (`given`), how values are
(`values`), and the answer (`outcome`). Runs in DuckDB, over files where it can; writes nothing to the lake.
"""

from taxiway.comparison.compare import compare
from taxiway.comparison.outcome import Comparison, Difference, Side

__all__ = ["Comparison", "Difference", "Side", "compare"]
