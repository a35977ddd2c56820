"""The settings of a deployment: one frozen object from `deployments/<name>/settings.toml` and the environment.

Constants of the business stand in the file; what varies from machine to machine is a `TAXIWAY_*` variable, keys of
buckets are Amazon's usual ones. Nothing else in the platform reads the environment.
"""

from taxiway.settings.groups import Parameter
from taxiway.settings.load import Settings, load_settings, project_root

__all__ = ["Parameter", "Settings", "load_settings", "project_root"]
