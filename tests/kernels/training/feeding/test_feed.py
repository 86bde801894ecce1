"""What a training on a mixture reads: pieces of rows are examples of their own length."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kernels.specs.families import specs
from kernels.specs.objectives import IGNORED
from kernels.tokens.mixtures.packing import PADDING_SEGMENT
from kernels.training.course.stages import LengthStage, constant, make_plan
from kernels.training.feeding.batches import Transform
from kernels.training.feeding.feed import AHEAD, Batch, Feed, StepFeed
from tests.small_mixtures import most_documents, put_rows
from tests.token_rows import CONTROL, drawn_documents, row_of

LENGTH, PIECE, ROWS = 64, 16, 4
OBJECTIVES: dict[str, dict[str, Any]] = {
    "next_token": {},
    "masked": {},
    "prefix_lm": {},
    "fill_in_the_middle": {},
    "prefix_to_target": {"min_prefix_share": 0.4, "max_prefix_share": 0.6},
    "span_corruption": {},
    "ul2": {"form": "decoder"},
}


def batches(folder: Path, name: str, fields: dict[str, Any]) -> tuple[Batch, Batch]:
    """Return a step that reads rows in pieces, and one that reads them whole."""
    rows = [row_of(*drawn_documents(seed, LENGTH), length=LENGTH) for seed in range(4 * ROWS)]
    segments = np.stack([row.segments for row in rows])
    segments = np.where(segments < 0, PADDING_SEGMENT, segments)
    put_rows(folder, "train", np.stack([row.tokens for row in rows]), segments)
    objective, most = specs("objectives")[name], most_documents(segments)
    config = objective.config(**fields)
    stages = [LengthStage.model_validate({"from": start, "length": length}) for start, length in ((0.0, PIECE), (0.5, LENGTH))]
    plan = make_plan(2, constant(ROWS), stages, LENGTH)
    feed = Feed(folder, plan, Transform(objective, config, CONTROL, objective.lengths(config, LENGTH, most)), 0, None)
    return feed.batch(0), feed.batch(1)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_piece_of_a_row_comes_to_as_many_positions_as_a_row_of_its_length(name: str, tmp_path: Path) -> None:
    pieces, whole = batches(tmp_path, name, OBJECTIVES[name])
    objective = specs("objectives")[name]
    config = objective.config(**OBJECTIVES[name])
    for batch, length in ((pieces, PIECE), (whole, LENGTH)):
        (part,) = batch.parts
        most = most_documents(np.load(tmp_path / "train_segments.npy"))
        expected = objective.lengths(config, length, min(most, length))
        assert part.inputs_BT.shape == (ROWS * LENGTH // length, expected[0])
        assert (part.decoder_inputs_BU is None) == (expected[1] == 0)
        assert part.decoder_inputs_BU is None or part.decoder_inputs_BU.shape[1] == expected[1]
    assert pieces.num_labels == int((pieces.parts[0].targets != IGNORED).sum()) > 0
    assert objective.lengths(config, PIECE, 1)[0] < whole.parts[0].inputs_BT.shape[1]


class Noting(StepFeed):
    """Steps that read nothing, and say when they are prepared."""

    def __init__(self) -> None:
        self.prepared = [threading.Event() for _ in range(6)]

    def batch(self, step: int) -> Batch:
        self.prepared[step].set()
        return Batch([], step, 0, 0)


def test_batches_are_prepared_while_a_step_is_taken_and_only_so_many() -> None:
    feed = Noting()
    for step, batch in feed.steps(1, 6):
        assert batch.num_tokens == step, "each step has its own"
        ahead = feed.prepared[step + 1 : min(step + 1 + AHEAD, 6)]
        assert all(event.wait(30) for event in ahead), "before it is asked for"
        assert not any(event.is_set() for event in feed.prepared[step + 1 + AHEAD :])
    assert not feed.prepared[0].is_set()
