import json
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from assets.orchestration.worker import LoggingReporter


def test_words_reach_the_progress_file_and_the_log_however_soon_they_follow_numbers(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    reporter = LoggingReporter(tmp_path, cast(Any, SimpleNamespace(log=logging.getLogger("worker"))))
    with caplog.at_level("INFO"):
        reporter({"step": 5, "loss": 2.5})
        reporter.say("state step-000120: seal.json is damaged; going on from step-000100")
    reporter.stream.close()
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("INFO", "step=5 loss=2.5"),
        ("WARNING", "state step-000120: seal.json is damaged; going on from step-000100"),
    ]
    assert [json.loads(line) for line in (tmp_path / "progress.jsonl").read_text().splitlines()] == [
        {"step": 5, "loss": 2.5},
        {"label": "state step-000120: seal.json is damaged; going on from step-000100"},
    ]
