"""What a child says through Pipes reaches its run whole and in order, whenever it is looked for."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from dagster_pipes import PIPES_PROTOCOL_VERSION_FIELD, PipesDefaultMessageWriter

from resources.devices import following
from resources.devices.messages import MessageReader


class Handler:
    """Takes messages as a run does; one of its own does not please it."""

    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.faults: list[str] = []

    def handle_message(self, message: Any) -> None:
        if message["method"] == "unknown":
            raise ValueError("unknown method")
        self.taken.append(message["params"])

    def report_pipes_framework_exception(self, origin: str, error: Any) -> None:
        self.faults.append(f"{origin}: {error[1]}")


def said(path: Path, *methods: str) -> Handler:
    """Return what takes the messages that a child's own writer writes, a number each."""
    handler: Any = Handler()
    with MessageReader(path).read_messages(handler) as params, PipesDefaultMessageWriter().open(params) as channel:
        for number, method in enumerate(methods):
            channel.write_message({PIPES_PROTOCOL_VERSION_FIELD: "0.1", "method": method, "params": {"number": number}})  # pyright: ignore[reportArgumentType]
    return handler


def test_all_that_a_child_wrote_is_taken_in_order_and_nothing_that_an_earlier_one_wrote(tmp_path: Path) -> None:
    (tmp_path / "messages").write_text('{"method": "opened", "params": "of an earlier run"}\n')
    assert said(tmp_path / "messages", "opened", "log", "closed").taken == [{"number": 0}, {"number": 1}, {"number": 2}]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_a_run_cannot_take_is_reported_to_it(tmp_path: Path) -> None:
    assert said(tmp_path / "messages", "unknown").faults == ["reading what the child says: unknown method"]


def test_a_line_is_passed_on_once_it_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "POLL_SECONDS", 0.01)
    path, done, first, taken = tmp_path / "lines", threading.Event(), threading.Event(), list[Any]()
    path.write_text('{"step": 0}\n')

    def take(line: Any) -> None:
        taken.append(line)
        first.set()

    follower = threading.Thread(target=following.follow, args=(path, path.stat().st_size, done, take))
    follower.start()
    with path.open("a") as stream:
        stream.write(json.dumps({"text": "zwölf"}) + '\n{"step"')
        stream.flush()
        assert first.wait(20)
        stream.write(": 2}\n")
    done.set()
    follower.join()
    assert taken == [{"text": "zwölf"}, {"step": 2}], "what stood there before is not new"
