"""What a process holds of a model and of its optimizer, by layout, is what theory says (Rajbhandari et al. 2020, arXiv 1910.02054, figure 1)."""

from typing import Any

import pytest

from kernels.specs.layout import Layout, Rank
from kernels.training.learner import Learner, Setting
from kernels.training.optimization.optimizers import Optimizer, OptimizerConfig
from kernels.training.parallel.team import join
from tests.processes import on_processes

BLOCK = 64 * 192 + 64 * 64 + 64 * 256 + 128 * 64 + 2 * 64
"""Numbers of a block's parameters."""
AROUND = 256 * 64 + 64
"""Of the tied embedding and the last norm."""
NUM_BLOCKS = 4
WHOLE = NUM_BLOCKS * BLOCK + AROUND
NORMS = 2 * 64
"""Of a block: what tensor parallelism does not cut."""


def held(rank: Rank) -> tuple[int, int]:
    """Return how many numbers a process holds of weights, and of the optimizer's two moments, each."""
    from kernels.models.architectures import llama
    from kernels.models.formats.fast import fresh

    sizes = {"hidden_size": 64, "num_layers": NUM_BLOCKS, "num_heads": 4, "num_kv_heads": 4, "intermediate_size": 128}
    config = llama.LlamaConfig.model_validate({"kind": "llama", **sizes, "max_position_embeddings": 64, "tie_embeddings": True})
    shape = llama.build(config, vocab_size=256, eos_token_id=0, pad_token_id=3)
    learner = Learner(fresh(shape, 1), Setting("cpu", "float32", False, 0.0, "none"), join(rank, "cpu"))
    spread = learner.spread
    tensors = {name: shard.tensor for name, shard in spread.shards.items()}
    optimizer = Optimizer(spread.whole_module, OptimizerConfig(), 0.1, learner.trainable.splits, tensors)
    moments = [tensor.numel() for name, tensor in optimizer.state().items() if name.endswith(".exp_avg")]
    return sum(_here(parameter).numel() for parameter in learner.module.parameters()), sum(moments)


def _here(parameter: Any) -> Any:
    return parameter.to_local() if hasattr(parameter, "to_local") else parameter


@pytest.mark.parametrize(
    ("layout", "weights", "moments"),
    [
        (Layout(processes=2), WHOLE, WHOLE),
        (Layout(processes=4, zero=1), WHOLE, WHOLE / 4),
        (Layout(processes=4, zero=2, shard=2), WHOLE, WHOLE / 2),
        (Layout(processes=4, zero=3), WHOLE / 4, WHOLE / 4),
        (Layout(processes=2, tensor=2), NUM_BLOCKS * ((BLOCK - NORMS) / 2 + NORMS) + AROUND, NUM_BLOCKS * ((BLOCK - NORMS) / 2 + NORMS) + AROUND),
        (Layout(processes=4, tensor=2, zero=3), None, (NUM_BLOCKS * ((BLOCK - NORMS) / 2 + NORMS) + AROUND) / 2),
    ],
)
def test_each_process_holds_its_part(layout: Layout, weights: float | None, moments: float) -> None:
    for of_weights, of_moments in on_processes(layout, held):
        assert of_weights == (moments if weights is None else weights) and of_moments == moments


def test_stages_of_a_pipeline_hold_their_blocks_and_first_and_last_the_tied_embedding() -> None:
    (first, _), (middle, _), _, (last, moments) = on_processes(Layout(processes=4, pipeline=4), held)
    assert (first, middle, last) == (BLOCK + AROUND - 64, BLOCK, BLOCK + AROUND) and moments == last


def test_stages_of_a_pipeline_may_hold_their_blocks_in_pieces_and_what_stands_around_them_whole() -> None:
    of_blocks = NUM_BLOCKS / 2 * BLOCK / 2
    (first, moments), _, (last, _), _ = on_processes(Layout(processes=4, pipeline=2, zero=3), held)
    assert (first, last) == (of_blocks + AROUND - 64, of_blocks + AROUND) and moments == of_blocks + (AROUND - 64) / 2
