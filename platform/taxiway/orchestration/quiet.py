"""Dagster's warnings about the few of its features in beta that Taxiway has chosen to use."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg


@contextmanager
def quiet(feature: str) -> Iterator[None]:
    """No warning that this feature is in beta or a preview, within the block; all others are shown."""
    with warnings.catch_warnings():
        for category in (dg.BetaWarning, dg.PreviewWarning):
            warnings.filterwarnings("ignore", message=f".*{feature}", category=category)
        yield
