"""The same processes in containers: a compose file and the Dockerfile of the one image that all of them share.

Each container is given the folders, and with them the secrets, of its process and no others. One that ends first makes
them, as `prepare` does on one machine.
"""

import os
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from taxiway.deployment.layout import Layout
from taxiway.deployment.processes import Process
from taxiway.version import DISTRIBUTION, __version__

_PREPARE = "prepare"
_USER, _USER_ID = "taxiway", 10001
# The only one that others than the containers reach.
_FRONT = "nginx"
# What is installed before all of it, what is built, and what no process reads.
_NOT_COPIED = frozenset({"requirements", "build", "dist", "docs", "notebooks", "tests"})
_RIGHTS: Mapping[str, Any] = {"cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"]}


def render_compose(layout: Layout, processes: Sequence[Process], folder: Path, root: Path) -> str:
    """compose.yaml, to be written into `folder`, with the image of the project in `root`."""
    image = {
        "image": f"taxiway-{layout.deployment}",
        "build": {
            "context": os.path.relpath(root, folder),
            "dockerfile": os.path.relpath(folder / "Dockerfile", root),
        },
    }
    volumes = _volumes(layout, processes)
    prepare = {
        **image,
        "command": [
            *(str(layout.python / "taxiway"), "deployment", _PREPARE, layout.deployment),
            # The one that this was written with, whatever the settings in the image say.
            *("--port", str(layout.port)),
        ],
        "volumes": [f"{name}:{path}" for name, path in volumes.items()],
        "network_mode": "none",
        **_RIGHTS,
    }
    ending = {process.name for process in processes if process.once}
    content = {
        "name": f"taxiway-{layout.deployment}",
        "services": {
            _PREPARE: prepare,
            **{process.name: {**image, **_service(layout, process, ending, volumes)} for process in processes},
        },
        "volumes": {name: {} for name in volumes},
        "networks": {"inside": {"internal": True}, "outside": {}},
    }
    return _heading(layout) + yaml.dump(content, Dumper=_Unabridged, sort_keys=False, width=110)


def render_dockerfile(layout: Layout, processes: Iterable[Process], root: Path) -> str:
    """The Dockerfile: Debian's packages that the processes need, the locked Python packages, the project in `root`.

    Of that all is in the image that is seen there, but for what people read and test.
    """
    listed = list(processes)
    packages = sorted({"libgomp1"}.union(*(process.packages for process in listed)))
    folders = " ".join(str(path) for path in _volumes(layout, listed).values())
    return f"""\
{_heading(layout)}FROM python:3.11-slim-bookworm

# Debian's fixes are wanted, so its versions are not pinned.
# hadolint ignore=DL3008
RUN apt-get update \\
    && apt-get install -y --no-install-recommends {" ".join(packages)} \\
    && rm -rf /var/lib/apt/lists/* \\
    && useradd --system --create-home --uid {_USER_ID} {_USER}

WORKDIR {layout.root}
COPY requirements/ requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/build.txt \\
    && uv pip install --system --no-cache --no-build-isolation --require-hashes \\
        -r requirements/core.txt -r requirements/staging.txt

{_copied(root)}
# A volume begins as its folder in the image, and so belongs to who uses it.
RUN uv pip install --system --no-cache --no-build-isolation --no-deps {_installed(root)} \\
    && mkdir -p {folders} \\
    && chown -R {_USER}:{_USER} {layout.stack.parent}

ENV TAXIWAY_ROOT={layout.root}
USER {_USER_ID}
"""


def _copied(root: Path) -> str:
    """The instructions that copy the project: its files, then folder by folder."""
    seen = sorted(path for path in root.iterdir() if not path.name.startswith(".") and path.name not in _NOT_COPIED)
    files = " ".join(path.name for path in seen if path.is_file())
    return "\n".join([f"COPY {files} ./", *(f"COPY {path.name}/ {path.name}/" for path in seen if path.is_dir())])


def _installed(root: Path) -> str:
    """What is installed of the project: wheels that lie in it, and the distributions whose source it is; and Taxiway
    itself from a package index, unless it is among them."""
    wheels = sorted(f"./{path.relative_to(root)}" for path in root.glob("wheels/*.whl"))
    files = [file for file in (root / "pyproject.toml", *sorted(root.glob("*/pyproject.toml"))) if file.is_file()]
    declared = {file.parent.relative_to(root): tomllib.loads(file.read_text()).get("project") for file in files}
    found = {folder: project["name"] for folder, project in declared.items() if project is not None}
    is_here = DISTRIBUTION in found.values() or any(root.glob(f"wheels/{DISTRIBUTION}-*.whl"))
    taxiway = [] if is_here else [f"{DISTRIBUTION}=={__version__}"]
    return " ".join([*taxiway, *wheels, *(f"-e ./{folder}" for folder in found)])


class _Unabridged(yaml.SafeDumper):
    """Writes what stands twice twice."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        """Always."""
        return True


def _service(layout: Layout, process: Process, ending: set[str], volumes: Mapping[str, Path]) -> dict[str, Any]:
    kind, address = process.answers.kind, process.answers.address
    check = ["CMD", str(layout.python / "python"), "-m", "taxiway.deployment.probe", kind, address]
    needs = {
        name: {"condition": "service_completed_successfully" if name in ending | {_PREPARE} else "service_healthy"}
        for name in (_PREPARE, *process.needs)
    }
    service: dict[str, Any] = {
        "command": list(process.command),
        "environment": dict(process.variables),
        "working_dir": str(layout.folder(process.name)),
        "volumes": [f"{name}:{volumes[name]}" for name in (process.name, *process.folders)],
        "depends_on": needs,
        "networks": ["inside", "outside"] if process.name == _FRONT else ["inside"],
        "restart": "on-failure" if process.once else "unless-stopped",
        "stop_signal": f"SIG{process.stop}",
        "stop_grace_period": f"{process.stop_s}s",
        **_RIGHTS,
    }
    if not process.once:
        service["healthcheck"] = {"test": check, "interval": "15s", "timeout": "10s", "start_period": "120s"}
    if process.name == _FRONT:
        service["ports"] = [f"{layout.port}:{layout.port}"]
    if process.sees_processes_of:
        service["pid"] = f"service:{process.sees_processes_of}"
    return service


def _volumes(layout: Layout, processes: Iterable[Process]) -> dict[str, Path]:
    """The folder of each volume."""
    own = {process.name: layout.folder(process.name) for process in processes}
    return {"home": layout.home, "run": layout.run, "secrets": layout.secrets, "as": layout.stack / "as", **own}


def _heading(layout: Layout) -> str:
    return f"# Written by: taxiway deployment render {layout.deployment}\n"
