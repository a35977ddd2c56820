"""Taxiway: one transformation for batch, cluster, stream and request; nothing unguarded is published."""

__version__ = "0.1.0"
