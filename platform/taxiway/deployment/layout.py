"""Where the parts of a deployment lie and listen: all on this machine, or each in a container of its own."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from taxiway.code_locations import FILE, CodeLocation, code_locations
from taxiway.errors import SettingsError

# Each part's place beside the port of https, which is what people are told.
_PORTS = (
    "nginx",
    "webserver",
    "viewer",
    "postgres",
    "s3",
    "s3-grpc",
    "filer",
    "filer-grpc",
    "volume",
    "volume-grpc",
    "master",
    "master-grpc",
    "oauth2-proxy",
)
_POSTGRES = Path("/usr/lib/postgresql")
_IMAGE_POSTGRES = 15
"""What Debian 12, the image's system, has."""


@dataclass(frozen=True)
class Layout:
    """A deployment's folders, ports and hosts.

    `root` is the project, `home` what Taxiway keeps, `stack` what the servers keep, `run` where their sockets are (a
    short path, as systems limit it), `python` the folder of this environment's programs, `postgres` of PostgreSQL's.
    `locations` are the code locations by their names.
    """

    deployment: str
    root: Path
    home: Path
    stack: Path
    run: Path
    python: Path
    postgres: Path
    port: int
    locations: Mapping[str, CodeLocation]
    in_containers: bool = False

    @classmethod
    def here(cls, deployment: str, root: Path, home: Path, port: int) -> "Layout":
        """That of this machine. Raises SettingsError where the project's workspace.yaml names no modules."""
        stack = home / "stack"
        return cls(
            *(deployment, root, home, stack, run_folder(stack), Path(sys.executable).parent),
            postgres=_postgres_programs(stack),
            port=port,
            locations=_locations(root),
        )

    @classmethod
    def containers(cls, deployment: str, root: Path, port: int) -> "Layout":
        """That of the image which `containers` describes; the project in `root` is copied into it."""
        state = Path("/var/lib/taxiway")
        return cls(
            *(deployment, Path("/srv/taxiway"), state / "home", state / "stack", state / "run", Path("/usr/local/bin")),
            postgres=_POSTGRES / str(_IMAGE_POSTGRES) / "bin",
            port=port,
            locations=_locations(root),
            in_containers=True,
        )

    @property
    def listen(self) -> str:
        """The address that the parts behind nginx listen on."""
        return "0.0.0.0" if self.in_containers else "127.0.0.1"

    @property
    def bucket(self) -> str:
        """The bucket of the lake and the landing zone."""
        return f"taxiway-{self.deployment}"

    @property
    def ports(self) -> dict[str, int]:
        """The port of each part."""
        return {name: self.port + number for number, name in enumerate(_PORTS)}

    @property
    def secrets(self) -> Path:
        """Where all secrets are kept; a process is given its own alone."""
        return self.stack / "secrets"

    def folder(self, process: str) -> Path:
        """What a process keeps, and what was made for it, its secrets included."""
        return self.stack / process

    def host(self, process: str) -> str:
        """The name under which the other processes find it."""
        return process if self.in_containers else "127.0.0.1"

    def address(self, process: str) -> str:
        """`host:port` of a process, for the others."""
        return f"{self.host(process)}:{self.ports[process]}"

    def account(self, wanted: str) -> str | None:
        """The account that a process is given; None where it is that of whoever starts the deployment."""
        return wanted if wanted and not self.in_containers and os.geteuid() == 0 else None


def run_folder(stack: Path) -> Path:
    """Where the sockets of a deployment are: `run` in its folder, or what that is a link to."""
    return (stack / "run").resolve()


def _locations(root: Path) -> Mapping[str, CodeLocation]:
    """The code locations that the project's workspace.yaml names, all of which are modules."""
    found = code_locations(root)
    if not found or any(not location.module for location in found):
        raise SettingsError(f"{root / FILE} does not name each code location as a python_module with module_name")
    return {location.name: location for location in found}


def _postgres_programs(stack: Path) -> Path:
    """The programs of the version that wrote the data or, where there is none, of the newest that is installed."""
    version = stack / "postgres" / "data" / "PG_VERSION"
    if version.is_file():
        return _POSTGRES / version.read_text().strip() / "bin"
    installed = sorted(_POSTGRES.glob("[0-9]*/bin"), key=lambda folder: int(folder.parent.name))
    return installed[-1] if installed else _POSTGRES / str(_IMAGE_POSTGRES) / "bin"
