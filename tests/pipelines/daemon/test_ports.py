"""The UI on ports that another process has."""

import re
import signal
import socket
from typing import Any

import pytest
import typer

from pipelines.daemon.user_interface import answers


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


def test_a_port_that_is_held_though_nobody_answers_on_it_is_told_too() -> None:
    from pipelines.commands.ui import ui

    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        with pytest.raises(typer.BadParameter, match="is in use"):
            ui(port=held.getsockname()[1])


@pytest.mark.slow
def test_the_user_interface_says_when_it_is_ready_and_nothing_else_and_ends_when_told(shop: Any) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    running = shop.start("ui", "--port", str(port))
    said = [running.stdout.readline().strip() for _ in range(3)]
    assert answers(port)
    running.send_signal(signal.SIGTERM)
    rest = running.communicate(timeout=60)[0]
    assert said[0].startswith("starting the Dagster UI of ")
    assert said[1:2] == [f"Dagster UI: http://127.0.0.1:{port}   Data Docs: http://127.0.0.1:{port + 1}"]
    assert re.fullmatch(r"ready after \d+ s; Ctrl-C ends both", said[2])
    assert re.fullmatch(r"ended by SIGTERM; .*", rest.strip()), rest
    assert not answers(port)
