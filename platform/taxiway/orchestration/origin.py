"""Whose a run is: the first page of Dagster's UI shows only runs of the code locations that it has loaded.

A run in the command line's own process is none of a code location, unless it says so.
"""

import dagster as dg
from dagster._core.remote_origin import CodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.storage.tags import REPOSITORY_LABEL_TAG
from dagster._core.workspace.load import location_origins_from_yaml_paths

from taxiway.settings import Settings
from taxiway.tables import Project


def code_location(settings: Settings, project: Project) -> CodeLocationOrigin | None:
    """The code location of the project's name in the root's `workspace.yaml`, which the UI loads; None without one."""
    file = settings.root / "workspace.yaml"
    found = location_origins_from_yaml_paths([str(file)]) if file.is_file() else []
    return next((location for location in found if location.location_name == project.name), None)


def attribute(instance: dg.DagsterInstance, run_id: str, repository: str, location: CodeLocationOrigin) -> None:
    """Record that a run is one of the repository of a code location."""
    origin = RemoteRepositoryOrigin(location, repository)
    # First, as the origin would bring the tag too, but not to where runs are searched by it.
    instance.add_run_tags(run_id, {REPOSITORY_LABEL_TAG: origin.get_label()})
    run = instance.get_run_by_id(run_id)
    if run is not None:
        instance.run_storage.replace_job_origin(run, RemoteJobOrigin(origin, run.job_name))
