"""A deployment with servers of its own, on one machine or in containers.

`processes` is the one list of what runs. `supervisor` and `containers` write it down for what starts it; `prepare`
makes what the processes find, `stack` starts, ends and looks at them on this machine, `new` makes a further
deployment. Nothing here knows Dagster or a project but by the commands that are started.
"""

from taxiway.deployment.layout import Layout
from taxiway.deployment.processes import Process, processes

__all__ = ["Layout", "Process", "processes"]
