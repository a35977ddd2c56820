"""The command line: `main` is what `taxiway` runs.

Each command is in a file of its own, which imports what is heavy only when it runs.
"""

from taxiway.cli.main import main

__all__ = ["main"]
