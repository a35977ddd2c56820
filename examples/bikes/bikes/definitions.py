"""What Dagster loads: the project in the deployment that TAXIWAY_DEPLOYMENT names, `local` by default."""

from taxiway.orchestration import build_definitions
from taxiway.settings import load_settings

from bikes.project import project

defs = build_definitions(project, load_settings(beside=__file__))
