"""Sums of gradients go on while the rest of the backward pass is computed, and rows are prepared meanwhile, as a trace shows.

Two cores gain no speed by it: what sums and prepares takes time from what computes.
"""

from typing import Any

import numpy as np
import pytest

from kernels.specs.layout import Layout, Rank
from kernels.training.feeding.batches import Examples
from kernels.training.feeding.feed import AHEAD, Batch, StepFeed, batch_of
from kernels.training.learner import Learner, Setting
from kernels.training.parallel.team import join
from tests.processes import on_processes

PREPARING, NUM_STEPS = "preparing rows", 8


def learner_of(rank: Rank) -> Learner:
    """Return a process's learner of a small model, whose gradients fill several buckets."""
    from kernels.models.architectures import llama
    from kernels.models.formats.fast import fresh
    from kernels.training.parallel import gradients

    gradients.BUCKET_BYTES = 1 << 14
    config = llama.LlamaConfig(
        kind="llama",
        hidden_size=64,
        num_layers=4,
        num_heads=4,
        num_kv_heads=4,
        intermediate_size=128,
        max_position_embeddings=64,
        tie_embeddings=True,
    )
    shape = llama.build(config, vocab_size=256, eos_token_id=0, pad_token_id=3)
    return Learner(fresh(shape, 1), Setting("cpu", "float32", False, 0.0, "none"), join(rank, "cpu"))


class Drawn(StepFeed):
    """Rows of chance, whose preparation has a name in a trace."""

    def batch(self, step: int) -> Batch:
        import torch

        with torch.profiler.record_function(PREPARING):
            tokens = np.random.default_rng(step).integers(5, 250, (4, 64))
            return batch_of([Examples(tokens, np.zeros_like(tokens, dtype=np.int32), np.roll(tokens, -1, 1), None, None, None, 0)])


def traced(rank: Rank) -> tuple[int, int]:
    """Return how many sums of gradients a step begins before its last gradient is computed, and how many behind that."""
    import torch

    learner = learner_of(rank)
    batch = learner.team.of_all(Drawn().batch(rank.number))
    learner.gradients(batch)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        learner.gradients(batch)
    events = profile.events() or []
    end = max(event.time_range.end for event in events if event.name.startswith("autograd::engine"))
    sums = [event.time_range.start for event in events if event.name in ("c10d::allreduce_", "c10d::_reduce_scatter_base_")]
    return sum(start < end for start in sums), sum(start >= end for start in sums)


@pytest.mark.parametrize("layout", [Layout(processes=2), Layout(processes=2, zero=1), Layout(processes=2, zero=3)])
def test_most_sums_of_gradients_begin_before_the_last_gradient_is_there(layout: Layout) -> None:
    for before, behind in on_processes(layout, traced):
        assert before >= 4 and before > behind


def prepared(rank: Rank) -> tuple[int, int]:
    """Return how many steps' rows are prepared while steps are computed, by another thread than computes, of how many that could be."""
    import torch

    learner = learner_of(rank)
    profiling: Any = torch.profiler
    all_threads = profiling._ExperimentalConfig(profile_all_threads=True)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], experimental_config=all_threads) as profile:
        for _, batch in Drawn().steps(0, NUM_STEPS):
            learner.gradients(learner.team.of_all(batch))
    events = profile.events() or []
    passes = [event for event in events if event.name == "aten::mm"]
    begin, end = min(event.time_range.start for event in passes), max(event.time_range.end for event in passes)
    computing = {event.thread for event in passes}
    preparing = [event for event in events if event.name == PREPARING]
    assert len(preparing) == NUM_STEPS and not computing & {event.thread for event in preparing}
    return sum(begin < event.time_range.start < end for event in preparing), NUM_STEPS - AHEAD - 1  # one may come before the first product


def test_rows_of_later_steps_are_prepared_while_a_step_is_computed_and_summed() -> None:
    for meanwhile, later in on_processes(Layout(processes=2), prepared):
        assert meanwhile >= later > 3
