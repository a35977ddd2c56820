"""One materialisation: what has to be computed (`plan`), and computing, guarding and publishing it (`execute`).

Knows lake, engines, contracts and transforms; knows nothing of Dagster.
"""

from taxiway.materialise.compiled import certify_table, independence_of
from taxiway.materialise.execute import materialise
from taxiway.materialise.outcome import Outcome, PartitionResult
from taxiway.materialise.plan import PartitionPlan, Plan, make_plan
from taxiway.materialise.script import Script, make_script
from taxiway.materialise.trial import Trial, try_out
from taxiway.materialise.workspace import Workspace

__all__ = [
    "Outcome",
    "PartitionPlan",
    "PartitionResult",
    "Plan",
    "Script",
    "Trial",
    "Workspace",
    "certify_table",
    "independence_of",
    "make_plan",
    "make_script",
    "materialise",
    "try_out",
]
