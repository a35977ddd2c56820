"""The version of Taxiway, which is part of what every table was made by."""

__version__ = "0.1.0"
