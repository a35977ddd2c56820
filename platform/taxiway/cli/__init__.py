"""The command line. `main` is what `taxiway` runs; each command is a file of its own, and imports what is heavy itself."""

from taxiway.cli.main import main

__all__ = ["main"]
