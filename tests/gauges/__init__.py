"""A second project, of another domain: river gauges. It proves that the platform knows nothing of flights."""

from tests.gauges.project import project

__all__ = ["project"]
