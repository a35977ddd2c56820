"""The settings of a deployment: one frozen object from `deployments/<name>/settings.toml` and the environment.

Constants of the business stand in the file, those of all deployments in `deployments/settings.toml`; what varies from
machine to machine is a `TAXIWAY_*` variable, keys of buckets are Amazon's usual ones. Nothing else in the platform
reads the environment.
"""

from taxiway.settings.buckets import load_s3
from taxiway.settings.connections import load_connections
from taxiway.settings.groups import LakeSettings, LoginSettings, Parameter, ServerSettings
from taxiway.settings.load import (
    Settings,
    explain_settings,
    load_group,
    load_settings,
    project_root,
    servers_home,
)

__all__ = [
    "LakeSettings",
    "LoginSettings",
    "Parameter",
    "ServerSettings",
    "Settings",
    "explain_settings",
    "load_connections",
    "load_group",
    "load_s3",
    "load_settings",
    "project_root",
    "servers_home",
]
