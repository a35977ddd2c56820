"""How programs of this environment and files are typed here, so that what is printed can be pasted."""

import shutil
import sys
from pathlib import Path


def called(program: str) -> str:
    """A program of this environment: its name where the shell finds this one by it, else its path."""
    own = Path(sys.executable).with_name(program)
    found = shutil.which(program)
    if found is not None and (not own.exists() or Path(found).samefile(own)):
        return program
    return str(near(own))


def near(path: Path) -> Path:
    """The path as one would type it here."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
