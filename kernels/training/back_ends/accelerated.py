"""The back end ``accelerate``: an `accelerate.Accelerator` prepares the model, by its DDP, or by its FSDP2 where weights are held in pieces.

The batch, its loss over the labels of all processes, the norm, the optimizer, states and checkpoints are the trainer's, so that losses are those of
one process. For that gradients are summed and not averaged, and the Accelerator computes in no precision of its own: the module is told which one
with each pass. It takes up the trainer's process group, and reads no variable that an ``accelerate launch`` or a cluster has set around it.
"""

import gc
import warnings
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, TypeVar

from kernels.training.back_ends.passage import passage, told_of
from kernels.training.parallel import zero
from kernels.training.parallel.gradients import GradientSums
from kernels.training.parallel.spread import Spread
from kernels.training.parallel.team import Team

OF_ITS_OWN = ("`broadcast_buffers` is deprecated", "Slicing a flattened dim")
"""How warnings begin of what accelerate asks of torch, which nobody here can ask otherwise."""
_Told = TypeVar("_Told")


class AcceleratedSpread(Spread):
    """A model that an Accelerator has prepared."""

    _accelerator: Any
    _wrapped: Any
    """What rows are passed through, None behind `leave`."""

    def _wrap(self, blocks: Sequence[Any], device: str) -> None:
        with _told_of(self.team):
            self._accelerator = _accelerator(self.team, device)
            if self._is_sharded:
                self._wrapped = self._sharded(blocks, device)
            else:
                self._wrapped = self._accelerator.prepare(_copied(self.module))
        if not self._is_sharded and not self.team.is_alone:
            _sum_in_buckets(self._wrapped)

    def _sharded(self, blocks: Sequence[Any], device: str) -> Any:
        """Return the module with its blocks, and what stands around them, in pieces."""
        import torch
        from accelerate import FullyShardedDataParallelPlugin, ParallelismConfig  # pyright: ignore[reportMissingTypeStubs]
        from accelerate.utils import DistributedType  # pyright: ignore[reportMissingTypeStubs]
        from torch.distributed.fsdp import CPUOffloadPolicy, OffloadPolicy

        policy = CPUOffloadPolicy(pin_memory=device == "cuda") if self.team.layout.offload == "parameters" else OffloadPolicy()
        plugin = FullyShardedDataParallelPlugin(
            fsdp_version=2,
            reshard_after_forward=True,
            cpu_offload=policy,
            auto_wrap_policy="transformer_based_wrap",
            transformer_cls_names_to_wrap=sorted({type(block).__name__ for block in blocks}),
        )
        state = self._accelerator.state
        # an Accelerator turns to FSDP by itself on devices alone, not on processes of a CPU
        state.distributed_type, state.fsdp_plugin = DistributedType.FSDP, plugin
        state.parallelism_config = ParallelismConfig(dp_replicate_size=self.team.size(("data",)), dp_shard_size=self.team.size(("shard",)))
        state.device_mesh = state.parallelism_config.get_device_mesh(device)
        moves_nothing = torch.optim.SGD(self.module.parameters(), lr=0.0)  # without an optimizer it prepares no model for FSDP2
        found, _ = self._accelerator.prepare(self.module, moves_nothing)
        zero.pass_logits(found)
        zero.sum_gradients(found)
        return found

    def _gradient_sums(self, cuts: Any) -> list[GradientSums]:
        return []  # DDP and FSDP2 make them

    @contextmanager
    def part(self, *, is_last: bool) -> Generator[None]:
        """See `Spread`: DDP sums behind the last part alone, FSDP2 behind each, so that no process holds whole gradients."""
        adds_up = nullcontext() if is_last or self._is_sharded else self._accelerator.no_sync(self._wrapped)
        with adds_up, super().part(is_last=is_last):
            yield

    def passed(self, call: Callable[[], _Told]) -> _Told:
        """See `Spread`: DDP is to see all that parameters are used for, FSDP2 listens to the module itself."""
        return call() if self._is_sharded else self._wrapped(call)

    def pass_back(self, loss: Any) -> None:
        """See `Spread`."""
        self._accelerator.backward(loss)

    def leave(self) -> None:
        """See `Spread`: a DDP that outlives its process group may wait for ever for what nobody sends."""
        self._wrapped = None
        self._accelerator.free_memory()
        _forget()
        gc.collect()


def _accelerator(team: Team, device: str) -> Any:
    from accelerate import Accelerator, DistributedDataParallelKwargs  # pyright: ignore[reportMissingTypeStubs]
    from accelerate.utils import GradientAccumulationPlugin  # pyright: ignore[reportMissingTypeStubs]

    _forget()
    # parameters that some process has no use for count as 0; buffers are the same for all, and gradients stand once
    ddp = DistributedDataParallelKwargs(broadcast_buffers=False, find_unused_parameters=True, gradient_as_bucket_view=True)
    return Accelerator(
        cpu=device == "cpu",
        mixed_precision="no",
        gradient_accumulation_plugin=GradientAccumulationPlugin(num_steps=1),
        kwargs_handlers=[ddp],
    )


def _forget() -> None:
    """Have accelerate forget the training before, of which it would take this one to be: it keeps what it knows for the life of a process."""
    from accelerate import state  # pyright: ignore[reportMissingTypeStubs]

    known: Any = state
    known.AcceleratorState._reset_state(reset_partial_state=True)
    known.GradientState._reset_state()


@contextmanager
def _told_of(team: Team) -> Generator[None]:
    """Have accelerate be told of a team, and not warn of what is no one's to change."""
    with told_of(team), warnings.catch_warnings():
        for words in OF_ITS_OWN:
            warnings.filterwarnings("ignore", message=words)
        yield


def _copied(module: Any) -> Any:
    """Return what DDP is to have copies of."""
    import torch

    found = passage(module)
    found.unused = torch.nn.Parameter(torch.zeros(1))  # where all are used, DDP writes a warning into the log of each training
    return found


def _sum_in_buckets(wrapped: Any) -> None:
    """Have DDP sum the gradients of its buckets over all processes, where it would average them."""
    import torch
    import torch.distributed

    dist: Any = torch.distributed

    def value(done: Any) -> Any:
        return done.value()[0]

    def summed(  # DDP looks at the types
        _: Any,
        bucket: torch.distributed.GradBucket,  # pyright: ignore[reportPrivateImportUsage]
    ) -> torch.futures.Future[torch.Tensor]:
        return dist.all_reduce(bucket.buffer(), async_op=True).get_future().then(value)

    wrapped.register_comm_hook(None, summed)
