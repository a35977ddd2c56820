"""`taxiway doctor`: whether this machine has what Taxiway needs, and what to do where it has not."""

import os
import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from importlib import import_module
from importlib.metadata import PackageNotFoundError, metadata, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taxiway.cli.findings import Finding
from taxiway.cli.options import Json, open_lake
from taxiway.cli.output import print_json, print_rows, size
from taxiway.cli.program import called, near
from taxiway.errors import SettingsError, TaxiwayError
from taxiway.home import check_home
from taxiway.settings import project_root
from taxiway.version import requirements, requirements_of

if TYPE_CHECKING:
    from taxiway.marts import DbtProject
    from taxiway.notebook import OpenLake
    from taxiway.settings import Settings

_PYTHONS = ((3, 11), (3, 12), (3, 13))
_NEEDED_BYTES = 2_000_000_000
# Packages of compiled code, and the library of the system that one of them wants, which not every project has.
_NATIVE = {"pyarrow": "", "duckdb": "", "deltalake": "", "lightgbm": "libgomp"}
_MOST_TOLD = 20
_SHOWN_ZONES = 3


def doctor(
    engine: Annotated[str | None, typer.Option("--engine", metavar="E", help="Start this engine too.")] = None,
    as_json: Json = False,
) -> None:
    """Examine this machine and the deployment: packages, disk, zones, dbt, all that it reaches; say what to do.

    What is reached is tried: files are written and removed, connections opened. An engine that the deployment or a
    table computes on is started, any other where it is asked for.
    """
    findings = [asdict(finding) for finding in examine(engine)]
    if as_json:
        print_json(findings)
    else:
        print_rows(findings, ("check", "status", "found", "advice"))
    if any(finding["status"] == "missing" for finding in findings):
        raise typer.Exit(1)


def examine(engine: str | None = None) -> Iterator[Finding]:
    """Every finding, what is most basic first; `engine` is started though nothing computes on it.

    Raises UsageError for one that there is not.
    """
    from taxiway.engines import see_that_is_engine

    if engine is not None:
        see_that_is_engine(engine)
    is_right = sys.version_info[:2] in _PYTHONS
    oldest, *_, newest = (".".join(map(str, each)) for each in _PYTHONS)
    advice = f"use Python {oldest} to {newest}: {_make(f'-B clean setup PYTHON=python{newest}')}"
    yield _finding("python", is_right, sys.version.split()[0], advice)
    yield from _packages()
    for package, library in _NATIVE.items():
        if not library or find_spec(package) is not None:
            yield _native(package, library)
    try:
        lake = open_lake()
    except TaxiwayError as error:
        yield Finding("settings", "missing", str(error), "set what is named, or start in the project's folder")
        return
    settings = lake.settings
    yield Finding("settings", "ok", f"deployment {settings.deployment}, home {settings.home}")
    try:
        check_home(settings.home)
    except TaxiwayError as error:
        yield Finding("home", "missing", str(error), "set TAXIWAY_HOME to a folder of this version that can be written")
        if settings.home.is_dir():
            # Nothing is tried in a folder that another version has laid out.
            return
    yield _disk(settings)
    yield _memory(settings)
    from taxiway.cli.doctor_places import places

    yield from places(settings)
    yield _spark(settings, is_used=_uses_spark(lake), is_asked=engine == "spark")
    yield from _zones(settings)
    yield from _project(lake)
    yield from _lake(lake)


def _make(goals: str) -> str:
    """The command that has make do something, as it is typed here.

    With -B it also does what it has done before, as it cannot know that something is missing since.
    """
    try:
        root = project_root()
    except SettingsError:  # told as a finding of its own
        root = Path.cwd()
    return f"make {'' if root == Path.cwd() else f'-C {shlex.quote(str(near(root)))} '}{goals}"


def _taxiway(words: str) -> str:
    """A command of this program, as it is typed here."""
    return f"{shlex.quote(called('taxiway'))} {words}"


def _set_up() -> str:
    return f"install the locked packages: {_make('-B setup')}"


def _finding(check: str, is_fine: bool, found: str, advice: str) -> Finding:
    return Finding(check, "ok" if is_fine else "missing", found, "" if is_fine else advice)


def _packages() -> Iterator[Finding]:
    """What the core, the installed projects and each extra require, against what is installed."""
    core, needed = requirements_of(""), requirements()
    wrong = [problem for requirement in needed if (problem := _unmet(requirement.name, str(requirement.specifier)))]
    yield _finding("packages", not wrong, "; ".join(wrong) or f"{len(needed)} as required", _set_up())
    for extra in metadata("taxiway").get_all("Provides-Extra") or ():
        own = [requirement for requirement in requirements_of(extra) if requirement not in core]
        lacking = [problem for requirement in own if (problem := _unmet(requirement.name, str(requirement.specifier)))]
        advice = f"only for {extra}: {_make(f'-B setup-{extra}')}" if lacking else ""
        found = "; ".join(lacking) or f"{len(own)} packages as required"
        yield Finding(f"extra {extra}", "optional" if lacking else "ok", found, advice)


def _unmet(name: str, specifier: str) -> str:
    """What is wrong with an installed package, nothing for one that fits."""
    from packaging.specifiers import SpecifierSet

    try:
        installed = version(name)
    except PackageNotFoundError:
        return f"{name} is not installed"
    fits = SpecifierSet(specifier).contains(installed, prereleases=True)
    return "" if fits else f"{name} {installed} is not {specifier}"


def _native(package: str, library: str) -> Finding:
    """Load a package's compiled code, with the library of the system that it wants."""
    try:
        import_module(package)
    except (ImportError, OSError) as error:
        advice = f"install {library}: apt-get install {library}1" if library in str(error) and library else _set_up()
        return Finding(package, "missing", str(error).splitlines()[0], advice)
    loaded = _loaded(library) if library else ""
    return Finding(package, "ok", f"{version(package)} loads" + (f", with {loaded}" if loaded else ""))


def _loaded(library: str) -> str:
    """The file from which this process has loaded a library; empty where the system does not tell."""
    maps = Path("/proc/self/maps")
    lines = maps.read_text().splitlines() if maps.is_file() else []
    return next((line.split()[-1] for line in lines if library in line), "")


def _disk(settings: "Settings") -> Finding:
    existing = next(folder for folder in (settings.home, *settings.home.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    return _finding("disk", free >= _NEEDED_BYTES, f"{size(free)} free", f"free {size(_NEEDED_BYTES)} below {existing}")


def _memory(settings: "Settings") -> Finding:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    found = f"{size(total)}, of which the engine may use {settings.memory_limit}"
    return _finding("memory", total >= _NEEDED_BYTES, found, f"{size(_NEEDED_BYTES)} are needed for a year of flights")


def _uses_spark(lake: "OpenLake") -> bool:
    """Whether the deployment or a table computes on Spark; a project that cannot be loaded is told by itself."""
    if lake.settings.engine == "spark":
        return True
    try:
        return any(table.engine == "spark" for table in lake.workspace.project.tables)
    except TaxiwayError:
        return False


def _spark(settings: "Settings", *, is_used: bool, is_asked: bool) -> Finding:
    """Whether the engine spark can be used: the extra, Java, the jars, and, where it is to start, a session that
    answers."""
    from taxiway.engines import check_engine, engines

    try:
        check_engine(settings, "spark")
        if not is_used and not is_asked:
            return Finding(
                "spark",
                "ok",
                f"pyspark {version('pyspark')} is there",
                f"start it with: {_taxiway('doctor --engine spark')}",
            )
        began = time.perf_counter()
        with engines(settings) as opened, opened("spark").session() as session:
            session.query("SELECT 1 AS answer")
            answering = opened("spark").version
    except TaxiwayError as error:
        what, _, advice = str(error).partition(": ")
        return Finding("spark", "missing" if is_used or is_asked else "optional", what, advice)
    return Finding("spark", "ok", f"pyspark {answering} answers after {time.perf_counter() - began:.0f} s")


def _zones(settings: "Settings") -> Iterator[Finding]:
    """Whether all clocks here say the same of the zones: the project's own, and all that its data may name."""
    from zoneinfo import available_timezones

    from taxiway.zones.data import disagreements, python_version, readings

    calendar, who = settings.calendar, ", ".join(readings())
    own = disagreements([settings.zone], calendar)
    advice = "bring Java, the system's tzdata and DuckDB to the same zone data, or use one engine alone"
    known = f"{who} agree on {settings.zone} (Python's data: {python_version()})"
    yield _finding("zone", not own, "; ".join(own.values()) or known, advice)
    places = [zone for zone in sorted(available_timezones()) if "/" in zone and zone != settings.zone]
    others = disagreements(places, calendar)
    if others:
        shown = "; ".join(list(others.values())[:_SHOWN_ZONES])
        more = f" and {len(others) - _SHOWN_ZONES} more" if len(others) > _SHOWN_ZONES else ""
        yield Finding("other zones", "optional", shown + more, f"only where data names such a zone: {advice}")


def _project(lake: "OpenLake") -> Iterator[Finding]:
    from taxiway.marts import DbtProject
    from taxiway.project_check import without_broken

    try:
        project = without_broken(lake.workspace).project
    except TaxiwayError as error:
        yield Finding("project", "missing", str(error), "mend the project, or the setting that names it")
        return
    yield Finding("project", "ok", f"{project.name}, {len(project.tables)} tables")
    for broken in project.broken:
        yield Finding(broken.at, "missing", broken.problem, "mend the file; the others can be made meanwhile")
    yield from _landing(lake)
    if (dbt := DbtProject.of(project, lake.settings)) is not None:
        yield _dbt(dbt)


def _dbt(project: "DbtProject") -> Finding:
    found = f"dbt-core {version('dbt-core')}, models "
    if project.is_prepared:
        return Finding("dbt", "ok", f"{found}compiled")
    if project.is_judged:
        return Finding("dbt", "missing", f"{found}cannot be compiled", "mend what the marts name as the reason")
    return Finding("dbt", "ok", f"{found}not compiled yet", f"they are compiled by: {_taxiway('run')}")


def _landing(lake: "OpenLake") -> Iterator[Finding]:
    """The delivered files, and what lies beside them that cannot be read or belongs to no table."""
    from taxiway.materialise.delivered import in_short, unexpected

    workspace = lake.workspace
    try:
        listing = workspace.landing.listing()
        expected = workspace.expected_in(listing)
        blocked = [why for name, why in listing.blocked.items() if name in expected]
        files = {table.file_name(key) for table, key in expected.by_partition(listing.readable)}
        others = [*blocked, *in_short(unexpected(workspace, listing), _MOST_TOLD)]
    except TaxiwayError as error:
        yield Finding("landing", "missing", str(error))
        return
    yield Finding("landing", "ok", f"{len(files)} of {len({*expected.names})} files are there")
    for message in others:
        what, _, advice = message.partition(": ")
        yield Finding("landing", "warning", what, advice)


def _lake(lake: "OpenLake") -> Iterator[Finding]:
    try:
        made = lake.lake.tables()
    except TaxiwayError as error:
        yield Finding("lake", "missing", str(error), "see that TAXIWAY_LAKE is right, and can be read")
        return
    for address in made:
        try:
            lake.lake.open(address).check_files()
        except TaxiwayError as error:
            again = f"{_taxiway(f'drop {address} --yes --force')}; {_taxiway(f'run {address}')}"
            advice = f"restore its folder from a copy, or make it anew: {again}"
            yield Finding(str(address), "missing", str(error), advice)
    yield Finding("lake", "ok", f"{len(made)} tables in {lake.settings.lake}")
