"""`taxiway ui`: Dagster in the browser."""

from typing import Annotated

import typer


def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")] = 3000,
    host: Annotated[str, typer.Option(help="The address to listen on; others than this machine can reach 0.0.0.0.")] = (
        "127.0.0.1"
    ),
) -> None:
    """Open Dagster: lineage, runs, checks, and the sensors that follow the landing zone. Ctrl-C ends it."""
    from taxiway.orchestration.ui import start_ui
    from taxiway.settings import load_settings

    start_ui(load_settings(), host=host, port=port)
