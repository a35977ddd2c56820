"""The tables, a folder for each layer: every file in them that has a `table` is one of the project."""
