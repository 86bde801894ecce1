"""The back end ``deepspeed``: DeepSpeed's engine holds a model by its ZeRO, stages 1 to 3, and its offload of what an optimizer moves.

Rajbhandari et al. 2020 (arXiv 1910.02054), Ren et al. 2021 (arXiv 2101.06840). DeepSpeed sums gradients into pieces of its own making, which are
runs of numbers of flattened parameters; the trainer's optimizer moves these, and its batch, loss, norm, states and checkpoints are as ever, so that
losses are those of one process. DeepSpeed's own optimizers, clipping and checkpoints are not used.
"""

import logging
import os
import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple, TypeVar

from kernels.specs.layout import BY_DEEPSPEED, DEEPSPEED, HOLDING, Layout
from kernels.training.back_ends.passage import passage, told_of
from kernels.training.parallel.gradients import GradientSums
from kernels.training.parallel.shards import Cut, Shard
from kernels.training.parallel.spread import Spread

COMPILED_FOR_THE_CPU = "deepspeed_shm_comm"
"""Sums over the memory that processes of one machine share, which DeepSpeed compiles at its first use: gloo sums here."""
OFFLOADS = {"offload_optimizer": ("optimizer", "parameters"), "offload_param": ("parameters",)}
"""By the keys of DeepSpeed's config, the offloads of a layout that they are for."""
OF_ITS_OWN = r"`torch\.distributed\.\w+` is deprecated"
"""Warnings of how DeepSpeed calls torch."""
_Told = TypeVar("_Told")


def config_of(layout: Layout, device: str) -> dict[str, Any]:
    """Return what DeepSpeed is told (https://www.deepspeed.ai/docs/config-json): where things are, and nothing of what is computed."""
    in_memory = {"device": "cpu", "pin_memory": device == "cuda"}
    offload = {key: in_memory for key, kinds in OFFLOADS.items() if layout.offload in kinds}
    return {
        "train_micro_batch_size_per_gpu": 1,  # the trainer counts rows, and parts of a step
        "gradient_accumulation_steps": 1,
        "gradient_clipping": 0.0,  # left out, it is 1
        "zero_optimization": {"stage": layout.zero, "stage3_param_persistence_threshold": 0, **offload},
        "zero_allow_untested_optimizer": True,
        "zero_force_ds_cpu_optimizer": False,
    }


class _Piece(NamedTuple):
    """What this process moves of a parameter, as DeepSpeed holds it."""

    weights: Any
    """In float32."""
    gradient: Callable[[], Any]
    """Returns where DeepSpeed has the summed gradient of a step, until the next."""


class DeepSpeedSpread(Spread):
    """A model that an engine of DeepSpeed's holds."""

    _engine: Any
    _zero: Any
    """What DeepSpeed calls its optimizer: it holds the pieces."""

    def _wrap(self, blocks: Sequence[Any], device: str) -> None:
        self._told = ExitStack()
        self._told.enter_context(told_of(self.team))  # it asks at each step
        self._told.enter_context(warnings.catch_warnings())
        os.environ["DS_ACCELERATOR"] = device
        deepspeed: Any = DEEPSPEED.require(BY_DEEPSPEED)
        warnings.filterwarnings("ignore", OF_ITS_OWN, FutureWarning)
        logging.getLogger("DeepSpeed").setLevel(logging.ERROR)  # it warns of the optimizer, which is to move nothing
        deepspeed.ops.__compatible_ops__[COMPILED_FOR_THE_CPU] = False
        module = passage(self.module)
        parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
        self._engine, self._zero, _, _ = deepspeed.initialize(
            model=module, optimizer=_moves_nothing(parameters), config=config_of(self.team.layout, device), dist_init_required=False
        )
        self._has_gradients = False
        """Whether DeepSpeed has the gradients of a step."""

    def _state_pieces(self, whole: Mapping[str, Any], cuts: Mapping[str, tuple[Cut, ...]]) -> None:
        return None

    def _offload_of(self, held: Mapping[str, Shard]) -> None:
        return None

    def _gradient_sums(self, cuts: Mapping[str, tuple[Cut, ...]]) -> list[GradientSums]:
        return []

    def _held(self, cuts: Mapping[str, tuple[Cut, ...]]) -> dict[str, Shard]:
        read = self._piece_at_stage_3 if self._is_sharded else self._piece
        self._pieces_of = {name: read(parameter) for name, parameter in self._parameters.items()}
        shapes = {name: tuple(parameter.shape) for name, parameter in self.whole_module.named_parameters()}
        told = self.team.told_by_each({name: piece.weights.numel() for name, piece in self._pieces_of.items()}, HOLDING)
        return {
            name: Shard(piece.weights.requires_grad_(), (Cut(HOLDING, 0, (tuple(sizes[name] for sizes in told),)),), shapes[name])
            for name, piece in self._pieces_of.items()
        }

    def _piece(self, parameter: Any) -> _Piece:
        """Return what this process moves of a parameter at stage 1 or 2: nothing of most of them."""
        import torch

        found, device = parameter._hp_mapping, "cpu" if self.team.layout.offload == "optimizer" else parameter.device
        if found is None:
            return _Piece(torch.empty(0, device=device), lambda: torch.empty(0, device=device))
        return _Piece(found.hp_fragment.detach(), lambda: found.get_lp_grad_fragment(parameter._index_in_param_group).flatten())

    def _piece_at_stage_3(self, parameter: Any) -> _Piece:
        """Return what this process moves of a parameter at stage 3: one of as many pieces as there are processes, less what fills up the last."""
        group, start, size = self._zero.grad_position[self._zero.get_param_id(parameter)]
        own = max(0, min(size, parameter.ds_numel - self.team.index(HOLDING) * size))
        flat = self._zero.fp32_partitioned_groups_flat[group]

        def gradient() -> Any:
            if self.team.layout.offload == "none":
                return self._zero.get_local_fp32_grad_for_param(parameter)[:own]
            return flat.grad.narrow(0, start, own)

        return _Piece(flat.detach().narrow(0, start, own), gradient)

    def begin_step(self) -> None:
        """See `Spread`."""
        if self._has_gradients:
            self._engine.step()  # forgets the gradients, moves nothing, and has all processes hold what was moved
            self._has_gradients = False
        elif not self._is_sharded:
            self._zero.update_lp_params()
        else:
            self._engine.empty_partition_cache()  # what a pass without gradients gathered stays, whatever its pieces become
            for parameter, piece in zip(self._parameters.values(), self._pieces_of.values(), strict=True):
                parameter.ds_tensor.flatten()[: piece.weights.numel()].copy_(piece.weights.detach())

    @contextmanager
    def part(self, *, is_last: bool) -> Generator[None]:
        """See `Spread`."""
        self._engine.set_gradient_accumulation_boundary(is_last)
        yield
        if is_last:
            self._has_gradients = True
            for name, piece in self._pieces_of.items():
                self.shards[name].tensor.grad = piece.gradient()

    def passed(self, call: Callable[[], _Told]) -> _Told:
        """See `Spread`."""
        return self._engine(call)

    def pass_back(self, loss: Any) -> None:
        """See `Spread`: DeepSpeed divides by the processes, and the loss is divided by the labels of all of them already."""
        self._engine.backward(loss * self.team.layout.processes, scale_wrt_gas=False)

    @property
    def waiting(self) -> list[str]:
        """See `Spread`."""
        return [] if self.team.layout.offload == "none" else list(self._parameters)

    def leave(self) -> None:
        """See `Spread`."""
        self._engine.destroy()
        self._told.close()
        del self._engine, self._zero, self._pieces_of


def _moves_nothing(parameters: list[Any]) -> Any:
    """Return an optimizer that DeepSpeed may call when it wants: the trainer's has moved what it holds."""
    import torch

    class MovesNothing(torch.optim.Optimizer):
        def step(self, closure: Any = None) -> Any:
            """Move nothing."""

    return MovesNothing(parameters, {"lr": 0.0})
