"""The code locations that the project's `workspace.yaml` names, as the command line and servers find them, too."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from taxiway.errors import SettingsError

FILE = "workspace.yaml"


@dataclass(frozen=True)
class CodeLocation:
    """A code location: its name, its module (empty where it is none), and the folder below the root where that lies.

    The folder is None where the module is installed.
    """

    name: str
    module: str
    folder: Path | None

    def project_root(self, root: Path) -> Path:
        """The root of the location's own project, where that lies elsewhere than in `root`."""
        folder = (root / self.folder).resolve() if self.folder is not None else root
        return next((each for each in (folder, *folder.parents) if (each / "deployments").is_dir()), root)


def code_locations(root: Path) -> tuple[CodeLocation, ...]:
    """Those of `workspace.yaml` in the root, none where there is no such file; raises SettingsError for one that cannot
    be read."""
    file = root / FILE
    try:
        entries = yaml.safe_load(file.read_text())["load_from"]
        return tuple(_location(entry) for entry in entries)
    except FileNotFoundError:
        return ()
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(f"{file} has no list load_from of code locations ({error!r})") from None


def _location(entry: Mapping[str, Any]) -> CodeLocation:
    found = entry.get("python_module")
    if found is None:
        return CodeLocation("", "", None)
    said = {"module_name": found} if isinstance(found, str) else dict(found)
    module = str(said["module_name"])
    folder = said.get("working_directory")
    return CodeLocation(str(said.get("location_name", module)), module, Path(str(folder)) if folder else None)
