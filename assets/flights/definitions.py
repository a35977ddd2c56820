"""What Dagster loads: the flights project in the deployment that TAXIWAY_DEPLOYMENT names, `local` by default."""

from flights.project import project
from taxiway.orchestration import build_definitions
from taxiway.settings import load_settings

defs = build_definitions(project, load_settings(beside=__file__))
