"""One materialisation: what has to be computed (`plan`), and computing, guarding and publishing it (`execute`).

Knows lake, engines, contracts and transforms; knows nothing of Dagster.
"""

from taxiway.materialise.compiled import independence_of, kind_of
from taxiway.materialise.execute import materialise
from taxiway.materialise.kinds import Kind
from taxiway.materialise.outcome import Outcome, PartitionResult
from taxiway.materialise.plan import PartitionPlan, Plan, make_plan
from taxiway.materialise.script import Script, make_script
from taxiway.materialise.trial import Trial, try_out
from taxiway.materialise.workspace import Workspace

__all__ = [
    "Kind",
    "Outcome",
    "PartitionPlan",
    "PartitionResult",
    "Plan",
    "Script",
    "Trial",
    "Workspace",
    "independence_of",
    "kind_of",
    "make_plan",
    "make_script",
    "materialise",
    "try_out",
]
