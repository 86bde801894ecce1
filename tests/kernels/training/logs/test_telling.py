"""What a training tells while it runs: numbers with speed and memory, and an event file that goes on where a state stands."""

from pathlib import Path
from typing import Any

import pytest

from kernels.training.logs.event_files import EVENTS, FOLDER
from kernels.training.logs.speed import Speed
from kernels.training.logs.telling import Telling, read_told, speeds_of

MEASURED = ("tokens_per_second", "mfu", "memory_mb", "peak_memory_mb")


class Reports(list[dict[str, float]]):
    def __call__(self, numbers: dict[str, float]) -> None:
        self.append(numbers)


def begin(folder: Path, step: int, say: Any = pytest.fail) -> tuple[Telling, Speed, Reports]:
    reports = Reports()
    speed = Speed(1e3, 1e9)
    telling = Telling(folder, speed, "cpu", reports, say, 9)
    telling.go_on(step)
    return telling, speed, reports


def tell(telling: Telling, speed: Speed, *steps: int, statistics: list[dict[str, Any]] | None = None) -> None:
    for step in steps:
        speed.count(64)
        telling.step({"step": float(step), "loss": 5.0 - step, "gradient_norm": 0.5, "learning_rate": 0.1}, statistics or [])


def test_whoever_watches_is_told_loss_rate_norm_speed_memory_and_how_far_it_goes(tmp_path: Path) -> None:
    telling, speed, reports = begin(tmp_path, 0)
    tell(telling, speed, 1, 2)
    assert reports[1].keys() >= {"step", "loss", "learning_rate", "gradient_norm", "num_steps", "mean_tokens_per_second", "mean_mfu", *MEASURED}
    assert all(reports[1][name] > 0 for name in MEASURED) and reports[1]["num_steps"] == 9
    assert reports[1]["mfu"] == pytest.approx(reports[1]["tokens_per_second"] * 1e3 / 1e9)


def test_the_event_file_holds_the_same_of_each_step(tmp_path: Path) -> None:
    telling, speed, reports = begin(tmp_path, 0)
    tell(telling, speed, 1, 2)
    told = read_told(tmp_path)
    assert [found.step for found in told] == [1, 2] and told[1].values["train/loss"] == 3.0
    for name in MEASURED:
        assert told[1].values[f"train/{name}"] == pytest.approx(reports[1][name], rel=1e-6)
    assert [row.keys() for row in speeds_of(told)] == [{"step", "tokens_per_second", "mfu", "memory_mb"}] * 2


def test_a_training_that_goes_on_keeps_what_was_told_before_its_state_and_tells_the_rest_anew(tmp_path: Path) -> None:
    telling, speed, _ = begin(tmp_path, 0)
    tell(telling, speed, 1, 2, 3, 4)
    before = speeds_of(read_told(tmp_path))
    telling, speed, _ = begin(tmp_path, 2)
    tell(telling, speed, 3)
    after = speeds_of(read_told(tmp_path))
    assert after[:2] == before[:2] and [row["step"] for row in after] == [1.0, 2.0, 3.0]


def test_what_tensors_did_stands_under_their_names(tmp_path: Path) -> None:
    telling, speed, reports = begin(tmp_path, 0)
    row = {"step": 1, "tensor": "blocks.0.weight", "weight_norm": 2.0, "gradient_norm": None, "update_norm": 0.5, "update_ratio": 0.25}
    tell(telling, speed, 1, statistics=[{**row, "zero_gradients": None, "non_finite_gradients": None}])
    found = {tag: value for tag, value in read_told(tmp_path)[0].values.items() if tag.startswith("tensors/")}
    assert found == {f"tensors/blocks.0.weight/{name}": row[name] for name in ("weight_norm", "update_norm", "update_ratio")}
    assert not any("blocks" in name for name in reports[0])


def test_a_damaged_event_file_ends_no_training(tmp_path: Path) -> None:
    telling, speed, _ = begin(tmp_path, 0)
    tell(telling, speed, 1, 2)
    path = tmp_path / FOLDER / EVENTS
    data = bytearray(path.read_bytes())
    data[60] ^= 1
    path.write_bytes(data)
    words: list[str] = []
    telling, speed, _ = begin(tmp_path, 2, words.append)
    tell(telling, speed, 3)
    assert len(words) == 1 and words[0].endswith("it is begun anew behind step 2")
    assert [found.step for found in read_told(tmp_path)] == [3]


def test_a_training_that_told_nothing_has_no_speeds(tmp_path: Path) -> None:
    assert read_told(tmp_path) == [] and speeds_of([]) == []
