"""One optimizer over all parameters of a model: AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) alone, or Muon on the matrices beside it.

Its state is a flat dictionary of tensors by stable names, the parameter's and the slot's, so that a training goes on bit for bit whichever order
parameters have, and a state of another model is told from one that fits. A parameter with two names, such as a tied output layer, stands once.
"""

import fnmatch
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from kernels.specs.config import Config
from kernels.training.optimization.muon import Muon, Pieces, splits_of
from kernels.training.optimization.parameter_groups import ALL, GroupConfig, Member, OptimizerName, members_of

ADAMW_SLOTS = ("step", "exp_avg", "exp_avg_sq")
MUON_SLOT = "momentum"


class OptimizerConfig(Config):
    """Which optimizer moves the parameters."""

    optimizer: OptimizerName = "adamw"
    """Of matrices; AdamW moves all others."""
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = (0.9, 0.95)
    """AdamW's decay rates (Touvron et al. 2023, arXiv 2302.13971)."""
    epsilon: float = Field(default=1e-8, gt=0)
    """What AdamW adds to the root of the second moment."""
    momentum: float = Field(default=0.95, ge=0, lt=1)
    """Muon's, by Nesterov (Jordan 2024)."""
    parameter_groups: tuple[GroupConfig, ...] = Field(default=(ALL,), min_length=1)
    """The first whose pattern matches a parameter's name decides how it is moved."""


class Optimizer:
    """Moves the parameters of a model by their gradients."""

    def __init__(
        self,
        model: Any,
        config: OptimizerConfig,
        weight_decay: float,
        splits: Mapping[str, Sequence[int]] | None = None,
        held: Mapping[str, Any] | None = None,
        pieces: Pieces | None = None,
    ) -> None:
        """Sort parameters into groups, all slots at zero.

        Args:
            model: a torch module, on the device that it is trained on; or one of the same parameters, where ``held`` says what is moved.
            config: which optimizer moves what.
            weight_decay: of matrices whose group names no other.
            splits: rows of the matrices that a parameter stores one behind the other, by name or by a pattern with wildcards, such as
                ``{"*.qkv.weight": (64, 16, 16)}``; Muon moves each alone.
            held: what is moved by the names of parameters, where these are not the parameters themselves, or not all are moved here.
            pieces: puts together what is held in pieces, since Muon's step of a matrix hangs on the whole of it; None where all is whole.

        Raises:
            ValueError: `members_of` and `splits_of` do, or splits name what the model has not.
        """
        names = [name for name, _ in model.named_parameters()]
        for pattern in splits or {}:
            if not fnmatch.filter(names, pattern):
                raise ValueError(f"splits names {pattern!r}, and the model has no such parameter; name it as the model does")
        members = members_of(model, config.parameter_groups, config.optimizer, weight_decay)
        of_muon = [member for member in members if member.optimizer == "muon"]
        found = splits_of(of_muon, splits or {})
        if held is not None:
            members = [member._replace(parameter=held[member.name]) for member in members if member.name in held]
        self.members = members
        self._muon = Muon([member for member in self.members if member.optimizer == "muon"], found, config.momentum, pieces)
        self._adamw_members = [member for member in self.members if member.optimizer == "adamw"]
        self._adamw = _adamw(self._adamw_members, config) if self._adamw_members else None

    def step(self, learning_rate: float) -> None:
        """Move all parameters that have a gradient."""
        self._muon.step(learning_rate)
        if self._adamw is not None:
            for group in self._adamw.param_groups:
                group["lr"] = learning_rate * group["learning_rate_ratio"]
            self._adamw.step()

    def zero(self) -> None:
        """Forget all gradients."""
        for member in self.members:
            member.parameter.grad = None

    def state(self) -> dict[str, Any]:
        """Return all slots by ``PARAMETER.SLOT``: the tensors themselves, which the next step changes."""
        tensors = {f"{name}.{MUON_SLOT}": tensor for name, tensor in self._muon.momenta.items()}
        for member in self._adamw_members:
            tensors |= {f"{member.name}.{slot}": self._slots(member)[slot] for slot in ADAMW_SLOTS}
        return tensors

    def load_state(self, tensors: Mapping[str, Any]) -> None:
        """Take a state over that `state` returned.

        Raises:
            ValueError: slots lack, are too many or have other shapes: the state is of another model or another optimizer.
        """
        import torch

        own = self.state()
        if differing := sorted(own.keys() ^ tensors.keys()):
            lacks = "the state lacks" if differing[0] in own else "the optimizer has no"
            raise ValueError(f"{lacks} {differing[0]} ({len(differing)} slots differ): it is of another model or optimizer; train anew")
        with torch.no_grad():
            for name, tensor in own.items():
                if tensor.shape != tensors[name].shape:
                    raise ValueError(f"{name} is {list(tensors[name].shape)} in the state and {list(tensor.shape)} here; train anew")
                tensor.copy_(tensors[name])

    def words(self) -> list[str]:
        """Return a line a kind of treatment: what moves how many parameters and how, for a reader."""
        alike: dict[tuple[str, float, float], list[Member]] = {}
        for member in self.members:
            alike.setdefault((member.optimizer, member.weight_decay, member.learning_rate_ratio), []).append(member)
        return [
            f"{optimizer} moves {sum(member.parameter.numel() for member in members):,} parameters in {len(members)} tensors,"
            f" weight decay {decay:g}, learning rate x {ratio:g}"
            for (optimizer, decay, ratio), members in alike.items()
        ]

    def _slots(self, member: Member) -> dict[str, Any]:
        assert self._adamw is not None
        return self._adamw.state[member.parameter]


def _adamw(members: Sequence[Member], config: OptimizerConfig) -> Any:
    """Return torch's fused AdamW with all slots there from the start, so that every state has the same names."""
    import torch

    groups: dict[tuple[float, float], list[Any]] = {}
    for member in members:
        groups.setdefault((member.weight_decay, member.learning_rate_ratio), []).append(member.parameter)
    settings = [{"params": alike, "weight_decay": decay, "learning_rate_ratio": ratio} for (decay, ratio), alike in groups.items()]
    optimizer: Any = torch.optim.AdamW(settings, betas=config.betas, eps=config.epsilon, fused=True)
    for member in members:
        optimizer.state[member.parameter] = {
            "step": torch.zeros((), dtype=torch.float32, device=member.parameter.device),
            "exp_avg": torch.zeros_like(member.parameter),
            "exp_avg_sq": torch.zeros_like(member.parameter),
        }
    return optimizer
