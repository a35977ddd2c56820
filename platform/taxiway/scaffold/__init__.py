"""What is written for people to go on from: a project that works as it is (`project`), in which Taxiway's own wheel
lies (`wheel`), and a table (`table`).
"""

from taxiway.scaffold.project import write_project
from taxiway.scaffold.table import write_table

__all__ = ["write_project", "write_table"]
