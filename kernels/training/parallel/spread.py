"""A model spread over the processes of a team: one ordered function makes it, and a training goes through it.

Models know nothing of it. Blocks are cut first, then have what they compute computed again, then are compiled, then held in pieces: each works on
what the one before made of a block.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from kernels.specs.layout import COPIES, HOLDING, POSITIONS, TENSOR, Axis
from kernels.specs.objectives import IGNORED
from kernels.training.execution import activations
from kernels.training.execution.activations import ActivationMode
from kernels.training.execution.compilation import compile_every_shape
from kernels.training.parallel import zero
from kernels.training.parallel.copies import digest_of, fault_of_copies
from kernels.training.parallel.gradients import GradientSums, SumsForAll
from kernels.training.parallel.offload import Offload
from kernels.training.parallel.shards import Cut, Shard
from kernels.training.parallel.state_pieces import StatePieces
from kernels.training.parallel.team import Team
from kernels.training.parallel.wholes import Wholes

_Told = TypeVar("_Told")


class Spread:
    """A model of which this process holds what the layout says."""

    def __init__(self, module: Any, splits: Mapping[str, tuple[int, ...]], team: Team, device: str, mode: ActivationMode, *, compiled: bool) -> None:
        """Take a whole module and leave of it what this process holds, on a device, which may be too small for all of it.

        Args:
            module: a `kernels.models.formats.fast.Module`.
            splits: rows of the matrices that a parameter stores one behind the other, by a pattern of its name.
            team: of all processes.
            device: what the process computes on.
            mode: what of a block is computed again.
            compiled: whether blocks are compiled.

        Raises:
            ValueError: the model cannot be spread so (says why).
        """
        self.module, self.team = module, team
        self.num_parameters = sum(parameter.numel() for parameter in module.parameters())
        """Of the whole model."""
        self.whole_module = module if team.is_alone else _without_numbers(module)
        """Has all parameters of the whole model, by name and shape, where the module has a part of them."""
        names = [name for name, _ in module.named_parameters()]
        self.pipeline = self._cut_into_stages() if team.layout.pipeline > 1 else None
        blocks = [block for block in module.blocks if any(True for _ in block.parameters())]
        self._is_cut, self._is_sharded, self._parts_rows = team.layout.tensor > 1, team.layout.zero == 3, team.size(POSITIONS) > 1
        self.told_by = self._part_context() if team.layout.context > 1 else None
        """Makes of who sees whom what blocks are told of it, as of a `kernels.models.reading.Reading`."""
        cuts = self._cut(splits) if self._is_cut else {}
        if self._parts_rows:
            self._part_rows()
        if self.pipeline is not None or not self._is_sharded:  # else blocks are brought one by one, and parted
            _bring(module, device)
        activations.apply(blocks, mode)
        if compiled:
            _compile(blocks)
        self._wrap(blocks, device)
        self._parameters = {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}
        whole = {name: parameter for name, parameter in self._parameters.items() if not zero.is_in_pieces(parameter)}
        self._pieces = self._state_pieces(whole, cuts)
        held = self._held(cuts)
        self._offload = self._offload_of(held)
        self.shards = held if self._offload is None else self._offload.shards
        """What is moved, by the name of its parameter."""
        self._sums = self._gradient_sums(cuts)
        self._whole = [name for name in self._parameters if name not in cuts]
        self.wholes = Wholes(self.shards, names, team, None if self.pipeline is None else self.pipeline.owns)
        """What is said of pieces as of wholes."""

    def _wrap(self, blocks: Sequence[Any], device: str) -> None:
        """Have what is ready to be passed be held in pieces where the layout says so."""
        if self._is_sharded:
            zero.shard(self.module, blocks, self.team, with_rest=self.pipeline is None)

    def _state_pieces(self, whole: Mapping[str, Any], cuts: Mapping[str, tuple[Cut, ...]]) -> StatePieces | None:
        """Return the pieces that are moved of parameters that are held whole, where the layout says so."""
        return StatePieces(whole, cuts, self.team) if self.team.layout.zero and whole else None

    def _offload_of(self, held: Mapping[str, Shard]) -> Offload | None:
        """Return what has tensors wait in the machine's memory, where the layout says so."""
        return Offload(held) if self.team.layout.offload == "optimizer" else None

    def _held(self, cuts: Mapping[str, tuple[Cut, ...]]) -> dict[str, Shard]:
        """Return what this process holds of each parameter, on the device."""
        found = {name: Shard(parameter, cuts.get(name, ())) for name, parameter in self._parameters.items()}
        if self._is_sharded:
            found |= zero.pieces(self._parameters, cuts, self.team)
        return found if self._pieces is None else found | self._pieces.shards

    def _gradient_sums(self, cuts: Mapping[str, tuple[Cut, ...]]) -> list[GradientSums]:
        """Return the sums of gradients that are made here: FSDP2 makes its own."""
        if self._pieces is not None:
            return [self._pieces]
        found: list[GradientSums] = []
        if self._is_sharded:
            return found
        alike = (*COPIES, *HOLDING)
        for axes, is_cut in (((*alike, *TENSOR), False), (alike, True)):  # what no block is cut of has gradients of positions to be summed too
            parameters = [parameter for name, parameter in self._parameters.items() if (name in cuts) == is_cut]
            if parameters and self.team.size(axes) > 1:
                found.append(SumsForAll(parameters, self.team.group(axes)))
        return found

    def begin_step(self) -> None:
        """Have the module hold what its tensors were moved to, by all processes."""
        if self._offload is not None:
            self._offload.give_weights()
        if self._pieces is not None:
            self._pieces.gather()

    @contextmanager
    def part(self, *, is_last: bool) -> Generator[None]:
        """Pass a part of a step through the model and back; behind the last one gradients are those of all processes."""
        is_summed = is_last or self.team.layout.zero == 2
        for sums in self._sums if is_summed else ():
            sums.begin()
        yield
        for sums in self._sums if is_summed else ():
            sums.end()
        if is_last:
            self._hand_over()

    def passed(self, call: Callable[[], _Told]) -> _Told:
        """Return what a call returns that passes rows through the model and on to its loss: all do but those of a pipeline and of samples."""
        return call()

    def pass_back(self, loss: Any) -> None:
        """Add the gradients of a loss to those of the parameters."""
        loss.backward()

    def leave(self) -> None:
        """Let go of what others are needed for; the model may be read behind it and not be passed."""

    def pass_parts(self, readings: Sequence[Any], dtype: Any, loss: Any) -> list[Any]:
        """Pass the parts of a step through a pipeline and back; return what the last stage tells of their losses, nothing elsewhere.

        Args:
            readings: one a part.
            dtype: to compute in.
            loss: takes the hidden states of a part and its number; returns the loss that gradients flow from, and what is told of it.
        """
        assert self.pipeline is not None
        told = self.pipeline.step(readings, dtype, loss)
        self.pipeline.add_up_shared()
        for sums in self._sums:
            sums.begin()
            sums.end()
        self._hand_over()
        return told

    def _cut_into_stages(self) -> Any:
        from kernels.training.parallel.pipeline import Pipeline

        return Pipeline(self.module, self.team)

    def _hand_over(self) -> None:
        """Have the gradients of the module's parameters be those of the tensors that are moved."""
        for name, parameter in self._parameters.items():
            if zero.is_in_pieces(parameter) and parameter.grad is not None:
                self.shards[name].tensor.grad = parameter.grad.to_local()
                parameter.grad = None
        if self.team.layout.zero and self._is_cut:
            self._sum_over_positions()
        if self._offload is not None:
            self._offload.take_gradients()

    def _sum_over_positions(self) -> None:
        """Sum the gradients of what no block is cut of: each process has those of its own positions."""
        import torch
        import torch.distributed

        dist: Any = torch.distributed
        gradients = [self.shards[name].tensor.grad for name in self._whole]
        flat: Any = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat, group=self.team.group(TENSOR))
        for gradient, total in zip(gradients, flat.split([gradient.numel() for gradient in gradients]), strict=True):
            gradient.copy_(total.view_as(gradient))

    def _cut(self, splits: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[Cut, ...]]:
        from kernels.training.parallel import tensor

        return tensor.cut(self.module, splits, self.team)

    def _part_context(self) -> Any:
        from kernels.training.parallel import ring

        return ring.part(self.module, self.team)

    def _part_rows(self) -> None:
        from kernels.training.parallel.positions import part_rows

        part_rows(self.module, self.team)

    def filled(self, reading: Any) -> Any:
        """Return what is read, with positions of no document behind rows where they are parted and are too few for all to have as many."""
        if not self._parts_rows:
            return reading
        from kernels.training.parallel.positions import filled_reading

        return filled_reading(reading, self.team)

    def own_targets(self, targets_BT: Any) -> Any:
        """Return what is of the positions of rows that the module returns here, all of them where rows are not parted."""
        if not self._parts_rows:
            return targets_BT
        from kernels.training.parallel.positions import filled, own

        return own(filled(targets_BT, IGNORED, self.team), self.team)

    def total(self, sums: Any) -> Any:
        """Return sums over positions of rows as those over all of them; gradients flow."""
        if not self._parts_rows:
            return sums
        from kernels.training.parallel.positions import total

        return total(sums, self.team)

    @contextmanager
    def asking(self) -> Generator[None]:
        """Pass rows through the model without gradients meanwhile."""
        self.begin_step()
        try:
            yield
        finally:
            if self._is_sharded:
                zero.give_back(self.module)

    def check_copies(self) -> None:
        """Compare what processes hold that should be the same.

        Raises:
            FloatingPointError: it is not (names the processes).
        """
        for axes, tensors in self._copied():
            if self.team.size(axes) == 1:
                continue
            told = self.team.told_by_each([self.team.rank.number, digest_of(tensors)], axes)
            if fault := fault_of_copies([digest for _, digest in told], [number for number, _ in told]):
                raise FloatingPointError(f"{fault}; a device or its memory is faulty, and training ends before more hangs on it")

    def _copied(self) -> list[tuple[tuple[Axis, ...], dict[str, Any]]]:
        """Return tensors that are held in copies, with the axes whose processes hold them."""
        tensors = {name: shard.tensor for name, shard in self.shards.items()}
        whole = {name: tensor for name, tensor in tensors.items() if name in self._whole}
        return [(COPIES if self.team.layout.zero else (*COPIES, *HOLDING), tensors), (TENSOR, whole)]

    @property
    def waiting(self) -> list[str]:
        """The names of parameters whose tensors and all that an optimizer keeps of them are in the machine's memory."""
        offload = self.team.layout.offload
        return [
            name
            for name, parameter in self._parameters.items()
            if offload == "optimizer" or (offload == "parameters" and zero.is_in_pieces(parameter))
        ]

    @property
    def is_whole(self) -> bool:
        """Whether this process holds the whole model."""
        return self.pipeline is None and not self.wholes.is_in_pieces

    def whole_state(self) -> dict[str, Any]:
        """Return all that the module holds, whole; all processes must ask for it at once."""
        self.begin_step()
        names = {id(parameter): name for name, parameter in self._parameters.items()}
        wholes = {name: self.wholes.whole(name, shard.tensor) for name, shard in self.shards.items()}
        held = self.module.state_dict(keep_vars=True)
        return self.wholes.of_stages({name: wholes[names[id(tensor)]] if id(tensor) in names else tensor for name, tensor in held.items()})


def _without_numbers(module: Any) -> Any:
    """Return a copy of a module whose parameters have names and shapes and hold nothing."""
    import copy

    import torch

    empty: Any = torch.nn.Parameter
    memo = {id(each): empty(torch.empty_like(each, device="meta"), requires_grad=each.requires_grad) for each in module.parameters()}
    return copy.deepcopy(module, memo)


def _bring(module: Any, device: str) -> None:
    """Have a module be on a device; one that is there is left alone, since what holds nothing cannot be moved."""
    if any(each.device.type != device for each in (*module.parameters(), *module.buffers())):
        module.to(device)


def _compile(blocks: Any) -> None:
    """Have what blocks compute be compiled, and not what is done around it."""
    import torch

    compile_every_shape()
    compiler: Any = torch
    for block in blocks:
        block.forward = compiler.compile(block.forward, dynamic=False)
