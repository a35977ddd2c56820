"""How Dagster is started; that it works is for the end-to-end test."""

import socket
from pathlib import Path

import pytest

from taxiway.errors import UsageError
from taxiway.orchestration.ui import start_ui
from taxiway.settings import load_settings


def test_a_port_that_is_taken_is_one_clear_line(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(UsageError, match=f"127.0.0.1:{port} cannot be used .* make ui PORT={port + 1}"):
            start_ui(load_settings("local", home=home), port=port)
    assert not home.exists()
