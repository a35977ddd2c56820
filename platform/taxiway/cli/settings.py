"""`taxiway settings`: every setting of a deployment, its value, and where that came from."""

import json
from typing import Annotated

import typer

from taxiway.cli.options import Json
from taxiway.cli.output import print_json, print_rows, say


def settings(
    as_schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of a deployment's file, for editors.")
    ] = False,
    as_table: Annotated[
        bool, typer.Option("--markdown", help="Print what settings there are, as the documentation has it.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show every setting of the deployment and where its value came from; passwords and keys are not shown."""
    from taxiway.settings import explain_settings
    from taxiway.settings.describe import as_markdown, json_schema, shown

    if as_schema:
        say(json.dumps(json_schema(), indent=2))
        return
    if as_table:
        say(as_markdown())
        return
    found, origins = explain_settings()
    rows = [{"setting": name, "value": shown(found, name), "from": origin} for name, origin in origins.items()]
    if as_json:
        print_json(rows)
    else:
        print_rows(rows, ("setting", "value", "from"))
