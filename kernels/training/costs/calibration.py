"""How fast this machine trains models of a shape: a stand-in takes a few steps with one block and with more, and the rest follows in proportion.

The stand-in is a Llama block with as many parameters to multiply by, and as wide an attention, as the model's own (`Counts`), or a Mamba-2 block
where the model carries states, so that any family can be told. Scores have a bias that learns where the model's have one: no attention by blocks on a
GPU takes it. Where a model's tokens take other FLOPs a block, as with near attention or two stacks, the time goes in proportion. The stand-in has all
of the model's blocks where a step stays short, so that nothing is drawn out. The median of some steps counts: a training meets what else runs on the
machine too. On a GPU the stand-in is compiled where the training is, since what is fused there, attention above all, takes another share of the time
at each length of rows.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from kernels.specs.architectures import Counts
from kernels.training.costs.memory import Device, Step

FEW_BLOCKS, MORE_BLOCKS = 1, 3
"""The fewest that a pace can be told from."""
SHORT_FLOPS: dict[Device, float] = {"cpu": 2e11, "cuda": 5e13}
"""Of a step of a stand-in with more blocks than that: about a second of one core, or some tenths of a GPU's."""
REPEATS = 8
MAX_TOKENS: dict[Device, int] = {"cpu": 4096, "cuda": 32768}
"""That pass the stand-in together; larger steps go in proportion, since these keep a device busy."""
MAX_FLOPS = 3e12
"""Of one timed step: some ten seconds of two cores."""
SMALL_HEAD = 8
"""Width of the one head of a stand-in for blocks without attention."""
KERNEL = 4
"""Positions that the short convolution of a stand-in with states looks at (Dao and Gu 2024, arXiv 2405.21060, in its code)."""


class Pace(NamedTuple):
    """Seconds of this machine."""

    block_seconds: float
    """A token and block, forwards and backwards."""
    around_seconds: float
    """A token, for embedding, output layer and loss, forwards and backwards."""
    update_seconds: float
    """A parameter, for clipping and the optimizer."""
    forward_share: float
    """Of the time of a token in training, what it takes forwards alone."""

    def token_seconds(self, num_blocks: int, output_share: float = 1.0) -> float:
        """Return the seconds of a token in training through a model of some blocks, where a share of tokens passes the output layer."""
        return num_blocks * self.block_seconds + output_share * self.around_seconds


def measure_pace(counts: Counts, step: Step, *, compiled: bool = False) -> Pace:
    """Return the pace of models of a shape on the step's device, with the threads that torch now uses.

    Args:
        counts: of the model.
        step: what passes it together.
        compiled: whether the stand-in is; it takes half a minute more.

    Raises:
        ValueError: a step of the stand-in would take too long to be tried.
    """
    rows = max(1, min(step.num_rows, MAX_TOKENS[step.device] // step.row_length))
    num_tokens = rows * step.row_length
    flops = num_tokens * counts.flops_per_token(*step.lengths) / counts.num_all_blocks
    if flops * MORE_BLOCKS > MAX_FLOPS and step.device == "cpu":
        raise ValueError(
            f"a step of {MORE_BLOCKS} blocks of this model takes {flops * MORE_BLOCKS:.2g} FLOPs, too many to be tried on this machine; "
            "name the hardware to tell it for"
        )
    num_more = max(MORE_BLOCKS, min(counts.num_all_blocks, int(SHORT_FLOPS[step.device] / flops)))
    few, more = (_StandIn(counts, step, number, rows, compiled=compiled) for number in (FEW_BLOCKS, num_more))
    of_few, of_more, forward, update = median_seconds([few.learn, more.learn, more.read, more.update])
    block = max(of_more - of_few, 0.0) / (num_more - FEW_BLOCKS)
    around = max(of_more - num_more * block, 0.0)
    of_model, predicting = _shares(counts, step)
    return Pace(of_model * block / num_tokens, predicting * around / num_tokens, update / more.num_parameters, forward / of_more)


def _shares(counts: Counts, step: Step) -> tuple[float, float]:
    """Return the FLOPs of a token of the model a block, against those of the stand-in, and the share of the tokens that the output layer is for."""
    if counts.states is not None:
        return 1.0, 1.0
    num_tokens, predicting = sum(step.lengths), step.decoder_length or step.row_length
    blocks = counts.flops_per_row(*step.lengths) - 6 * counts.vocab_size * counts.hidden_size * predicting
    shape = _shape(counts, step.row_length, 1)
    inside = shape.num_heads * shape.head_width
    seen = step.row_length / (2 if shape.attention == "causal" else 1)
    stand_in = 3 * (2 * shape.width * (4 * inside + 3 * shape.inner_width) + 4 * inside * seen)
    return blocks / num_tokens / counts.num_all_blocks / stand_in, predicting / num_tokens


def median_seconds(works: Sequence[Callable[[], Any]]) -> list[float]:
    """Return the median time of each work, all done in turn some times after a first one that does not count."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(1 + REPEATS):
        for work, found in zip(works, times, strict=True):
            started = time.perf_counter()
            work()
            found.append(time.perf_counter() - started)
    return [statistics.median(found[1:]) for found in times]


class _StandIn:
    """A stack that stands for a model, with a batch and an optimizer."""

    def __init__(self, counts: Counts, step: Step, num_blocks: int, num_rows: int, *, compiled: bool = False) -> None:
        import torch

        from kernels.models.blocks.decoder import Decoder
        from kernels.models.blocks.mamba import Mamba
        from kernels.models.reading import Reading
        from kernels.training.execution.compilation import compile_every_shape

        generator = torch.Generator().manual_seed(1)
        self._module: Any = (
            Decoder(_shape(counts, step.row_length, num_blocks)) if counts.states is None else Mamba(_shape_with_states(counts, num_blocks))
        )
        self._module.initialise(generator, 0.02)
        self._module.to(step.device)
        self._compiled = compiled
        if compiled:
            compile_every_shape()
            for block in self._module.blocks:
                block.compile(dynamic=False)
        self._dtype = getattr(torch, step.precision)
        tokens = torch.randint(counts.vocab_size, (num_rows, step.row_length), generator=generator).to(step.device)
        self._reading, self._targets = Reading(tokens, torch.zeros_like(tokens), in_blocks=compiled), tokens.flatten()
        self._optimizer: Any = torch.optim.AdamW(self._module.parameters(), lr=1e-6, fused=True)
        self.num_parameters = sum(parameter.numel() for parameter in self._module.parameters())

    def learn(self) -> None:
        """Make the gradients of the batch."""
        for parameter in self._module.parameters():
            parameter.grad = None
        self._loss(self._reading).backward()
        self._wait()

    def read(self) -> None:
        """Go forwards alone."""
        import torch

        with torch.no_grad(), torch.compiler.set_stance("force_eager"):
            self._loss(self._reading._replace(in_blocks=False))
        self._wait()

    def update(self) -> None:
        """Clip the gradients and move the weights."""
        import torch

        torch.nn.utils.clip_grad_norm_(self._module.parameters(), 1.0)
        self._optimizer.step()
        self._wait()

    def _loss(self, reading: Any) -> Any:
        import torch

        from kernels.models.blocks.cross_entropy import token_loss

        hidden = self._module(reading, self._dtype).flatten(0, 1)
        weight, _ = self._module.output_layer()
        return token_loss(hidden, weight, self._targets, torch.tensor(len(self._targets), device=hidden.device), compiled=self._compiled).total

    def _wait(self) -> None:
        import torch

        if self._targets.device.type == "cuda":
            torch.cuda.synchronize()


def _shape(counts: Counts, row_length: int, num_blocks: int) -> Any:
    """Return the shape of a decoder whose blocks multiply and attend as much as those of a model."""
    from kernels.models.blocks.decoder import DecoderShape

    attention = counts.attention[0] if counts.attention else None
    heads, head_width = (attention.num_heads, attention.head_width) if attention else (1, SMALL_HEAD)
    block = (counts.num_matmul_parameters - counts.vocab_size * counts.hidden_size) // counts.num_all_blocks
    inner = max(1, (block - 4 * counts.hidden_size * heads * head_width) // (3 * counts.hidden_size))
    return DecoderShape(
        vocab_size=counts.vocab_size,
        width=counts.hidden_size,
        num_layers=num_blocks,
        num_heads=heads,
        num_kv_heads=heads,
        head_width=head_width,
        inner_width=inner,
        max_positions=row_length,
        tied=True,
        positions="t5" if attention is not None and attention.has_learned_bias else "rope" if head_width % 2 == 0 else "alibi",
        theta=10_000.0,
        eps=1e-6,
        attention="causal" if attention is None or attention.is_causal else "prefix",
    )


def _shape_with_states(counts: Counts, num_blocks: int) -> Any:
    """Return the shape of a Mamba-2 whose blocks carry the states of a model."""
    from kernels.models.blocks.mamba import MambaShape

    states = counts.states
    assert states is not None
    return MambaShape(
        vocab_size=counts.vocab_size,
        width=counts.hidden_size,
        num_layers=num_blocks,
        num_heads=states.num_heads,
        head_width=states.head_width,
        num_groups=states.num_groups,
        state_size=states.state_size,
        kernel=KERNEL,
        chunk=states.chunk_size,
        tied=True,
        wide_residual=counts.is_stream_float32,
    )
