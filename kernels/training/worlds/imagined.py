"""A step of one process of a world that is not there: what it would hold and send, found by taking the step with tensors that hold nothing.

The model is built, spread and passed through as in any training; tensors have shapes alone (torch's fake tensors) and the others are not there (its
fake process group), so that any world goes on one device in seconds, and what is told is what the code does and not what a formula says. Blocks are
not compiled, and attention is fused on a GPU. A compiled step holds less: see `kernels.training.costs.memory`. Another back end is told as ours:
accelerate's FSDP2 holds and sends the same, and its DDP keeps room for all gradients, which ours finds when they come.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import distributed as torch_distributed

from kernels.models.blocks.attention import KeysElsewhere
from kernels.models.formats.fast import Trainable
from kernels.models.reading import Reading, Sight
from kernels.specs.layout import Layout, Rank
from kernels.training.learner import Learner, Setting, optimizer_of
from kernels.training.optimization.optimizers import Optimizer, OptimizerConfig
from kernels.training.parallel import zero
from kernels.training.parallel.ring import Pair, Ring
from kernels.training.parallel.team import Team, seated
from kernels.training.worlds.watching import Traffic, Watch

dist: Any = torch_distributed


class Rows(NamedTuple):
    """What all processes read in a step."""

    num_rows: int
    length: int
    decoder_length: int = 0
    """Of what a decoder apart reads."""
    most_together: int | None = None
    """Rows that pass the model together at most, of a process."""


class Held(NamedTuple):
    """Bytes on a device at the moment of a step when most is there."""

    weights: float
    optimizer: float
    gradients: float
    passing: float
    """Activations, logits, what is gathered and what is sent."""

    @property
    def total(self) -> float:
        """All of them."""
        return sum(self)


class Imagined(NamedTuple):
    """A step of one process."""

    number: int
    """Of the process."""
    held: Held
    host_bytes: float
    """What waits in the machine's memory for this process, behind the step."""
    traffic: tuple[Traffic, ...]
    num_moved: int
    """Numbers that this process's optimizer moves."""
    shapes: Mapping[str, tuple[int, ...]]
    """What it has of each parameter."""

    @property
    def sent_bytes(self) -> float:
        """Of all operations."""
        return sum(each.sent_bytes for each in self.traffic)


def imagine(build: Callable[[], Trainable], layout: Layout, rows: Rows, setting: Setting, optimizer: OptimizerConfig, number: int = 0) -> Imagined:
    """Return what one process of a layout would hold and send in a step.

    Args:
        build: returns the model; called while tensors hold nothing.
        layout: of any number of processes.
        rows: of a step.
        setting: of the training; tensors are on no device, and are computed with as on its.
        optimizer: which one.
        number: of the process.

    Raises:
        ValueError: the model cannot be spread so, or processes cannot read as many rows each.
        RuntimeError: this process is one of several already.
    """
    from torch._subclasses.fake_tensor import FakeTensorMode

    if dist.is_initialized():
        raise RuntimeError("a process that trains with others imagines no others; ask in a process of its own")
    fake: Any = FakeTensorMode()
    layout = layout.model_copy(update={"back_end": "modelmill"})  # others sum and gather alike, and take no tensors that hold nothing
    with _among_others(Rank(layout, number)) as team, fake, Watch(layout) as watch:
        learner = Learner(build(), setting._replace(device="cpu", compiled=False), team)
        made = optimizer_of(learner, optimizer, 0.0)
        watch.begin_step()
        take_step(learner, rows, is_fused=setting.device == "cuda")
        made.step(1.0)
        return _looked_at(learner, made, watch, number)


def _looked_at(learner: Learner, optimizer: Optimizer, watch: "Watch", number: int) -> Imagined:
    """Return what was held and sent, by what it is and where it stands."""
    spread = learner.spread
    waiting = set(spread.waiting)
    moved = {watch.key(shard.tensor) for name, shard in spread.shards.items() if name in waiting}
    gradients, brought, slots = set[int](), set[int](), set[int]()
    for name, shard in spread.shards.items():
        (brought if name in waiting else gradients).add(watch.key(shard.tensor.grad))
    for slot, tensor in optimizer.state().items():
        (moved if slot.rpartition(".")[0] in waiting else slots).add(watch.key(tensor))
    weights = {watch.key(_here(parameter)) for parameter in learner.module.parameters()} - moved
    is_whole_first = learner.team.layout.offload == "optimizer"  # gradients stand on the device until the step's last is there
    held = watch.most([weights, slots, gradients | (brought if is_whole_first else set())], moved | (set() if is_whole_first else brought))
    num_moved = sum(shard.tensor.numel() for shard in spread.shards.values())
    shapes = {name: tuple(_here(parameter).shape) for name, parameter in learner.module.named_parameters()}
    return Imagined(number, Held(*held), watch.standing_bytes(moved | brought), watch.traffic(), num_moved, shapes)


def take_step(learner: Learner, rows: Rows, *, is_fused: bool) -> None:
    """Pass the rows of this process forwards and backwards, all of whose positions predict something, attention fused as on a GPU or not."""
    from kernels.models.blocks.cross_entropy import LOGITS_OF_CHUNK, token_loss

    spread, share = learner.spread, learner.team.share
    mine = share.of(rows.num_rows)
    count = mine.stop - mine.start
    together = share.rows_together(count, rows.most_together)
    sizes = [min(together, count - start) for start in range(0, count, together)]
    told_by = partial(_Brief, team=learner.team) if spread.told_by is not None else _Fused if is_fused else None
    num_logits = LOGITS_OF_CHUNK["cuda" if is_fused else "cpu"]
    readings = [spread.filled(_reading(size, rows)._replace(told_by=told_by)) for size in sizes]
    length = rows.decoder_length or rows.length

    def loss(hidden: Any, index: int) -> tuple[Any, Any]:
        targets = spread.own_targets(torch.zeros(sizes[index], length, dtype=torch.int64)).flatten()
        weight, bias = learner.module.output_layer()
        return token_loss(hidden.flatten(0, 1), weight, targets, torch.ones(()), z_loss=learner.setting.z_loss, bias_V=bias, num_logits=num_logits)

    spread.begin_step()
    if spread.pipeline is not None:
        spread.pass_parts(readings, learner.dtype, loss)
        return

    def passing(index: int) -> Any:
        return loss(learner.module(readings[index], learner.dtype), index)[0]

    for index in range(len(readings)):
        with spread.part(is_last=index == len(readings) - 1):
            spread.pass_back(spread.passed(partial(passing, index)))


def _reading(num_rows: int, rows: Rows) -> Reading:
    tokens = torch.zeros(num_rows, rows.length, dtype=torch.int64)
    if not rows.decoder_length:
        return Reading(tokens, tokens.int())
    written = torch.zeros(num_rows, rows.decoder_length, dtype=torch.int64)
    return Reading(tokens, tokens.int(), None, written, written.int())


class _Fused(KeysElsewhere):
    """Attention that keeps what it gives and the logarithms of sums, as a GPU's does, whoever sees whom."""

    def __init__(self, sight: Sight) -> None:
        """Take who sees whom."""

    def attend(self, q_BGRTK: torch.Tensor, k_BGSK: torch.Tensor, v_BGSK: torch.Tensor, bias_GRTS: torch.Tensor | None) -> torch.Tensor:
        """See `KeysElsewhere`."""
        repeats = q_BGRTK.shape[2]
        keys, values = (each[:, :, None].expand(-1, -1, repeats, -1, -1).flatten(1, 2) for each in (k_BGSK, v_BGSK))
        added = None if bias_GRTS is None else bias_GRTS.flatten(0, 1)[None].to(q_BGRTK.dtype)
        seen = torch.nn.functional.scaled_dot_product_attention(q_BGRTK.flatten(1, 2), keys, values, added, scale=1.0)
        return seen.view(q_BGRTK.shape)


class _Brief(Ring):
    """A ring that attends to one tile of each process's keys: the others hold and send as much again, one behind the other."""

    def pairs(self, other: int, tile: int) -> list[Pair]:
        """See `Ring`."""
        return super().pairs(other, tile)[:1]


@contextmanager
def _among_others(rank: Rank) -> Generator[Team]:
    """Have a process group whose others are not there: what is sent arrives nowhere, and what is received is anything."""
    if rank.layout.processes == 1:
        yield Team()
        return
    from torch.testing._internal.distributed.fake_pg import FakeStore  # which registers the backend

    dist.init_process_group("fake", store=FakeStore(), rank=rank.number, world_size=rank.layout.processes)
    try:
        yield seated(rank, "cpu")
    finally:
        dist.destroy_process_group()


def _here(tensor: Any) -> Any:
    return tensor.to_local() if zero.is_in_pieces(tensor) else tensor
