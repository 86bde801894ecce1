"""The UI on ports that another process has."""

import socket

import pytest
import typer


def test_a_port_in_use_is_named_with_the_remedy() -> None:
    from pipelines.commands.ui import ui

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(typer.BadParameter, match=f"port {port}, for the Dagster UI, is in use; choose another with --port"):
            ui(port=port)
        with pytest.raises(typer.BadParameter, match=r"port \d+, for .* is in use"):
            ui(port=port - 1)
