"""Where Dagster would keep what a step returns: nowhere. Its own way is a pickle, which runs code when it is read."""

from typing import Any, NoReturn

import dagster as dg

from taxiway.errors import DefinitionError


class NoValues(dg.IOManager):
    """Refuses to keep a value and to read one; tables are published by their steps, which return nothing."""

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:  # noqa: ARG002 - Dagster's signature
        """Raise DefinitionError; it is not asked about steps that return nothing."""
        self._refuse(f"{context.step_key} returned a value")

    def load_input(self, context: dg.InputContext) -> NoReturn:
        """Raise DefinitionError."""
        self._refuse(f"{context.name} is to be read as a value")

    def _refuse(self, what: str) -> NoReturn:
        raise DefinitionError(
            f"{what}, which Dagster would keep as a pickle; annotate the function with -> None or return a "
            "MaterializeResult, and publish the rows as a table"
        )
