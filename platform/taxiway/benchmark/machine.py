"""The machine and the versions that a measurement was made with: without them its seconds mean nothing."""

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from taxiway.version import requirements


@dataclass(frozen=True)
class Machine:
    """CPU model, cores that this process may use, bytes of memory, operating system, Python, versions by package."""

    cpu: str
    cores: int
    memory_bytes: int
    system: str
    python: str
    libraries: Mapping[str, str]

    @classmethod
    def here(cls) -> "Machine":
        """This machine, with the packages that Taxiway's core and its projects require."""
        return cls(
            cpu=_cpu_model(),
            cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
            memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            system=_system(),
            python=f"{platform.python_implementation()} {platform.python_version()}",
            libraries=_libraries(),
        )


def _cpu_model() -> str:
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.is_file() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def _system() -> str:
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        name = platform.system()
    return f"{name}, {platform.system()} {platform.release()} {platform.machine()}"


def _libraries() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in ("taxiway", *sorted({requirement.name for requirement in requirements()} - {"taxiway"})):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
