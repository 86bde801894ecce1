"""Which optimizer moves which parameter, and how fast: an ordered list of patterns, of which the first that matches a name decides.

What a group leaves open follows from the kind of a parameter. Matrices are decayed and moved by the optimizer of the training. Tables (embeddings of
tokens and positions, and the output layer) and vectors (norms, biases, kernels of one channel each, logs of decay rates) are not decayed, and
AdamW moves them (Liu et al. 2025, arXiv 2502.16982). A tied output layer is the embedding. Kinds follow from shapes, from modules and from the ends
of names.
"""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from kernels.specs.config import Config, fault_of_key

OptimizerName = Literal["adamw", "muon"]
Kind = Literal["matrix", "table", "vector"]

_TABLE = re.compile(r"(?:^|\.)(?:\w*embed\w*|wte|wpe|places|lm_head|output|\w*bias)(?:\.weight)?$")
"""Ends of the names of what is looked up rather than multiplied (tokens, positions, biases by distance), and of output layers."""
_RATES = re.compile(r"(?:^|\.)A_log$")
"""End of the name of logs of decay rates, one a channel and state, which multiply no other (Gu and Dao 2023, arXiv 2312.00752, in its code)."""


def _expression(pattern: str) -> str | None:
    """Return the regular expression between slashes; None where the pattern is one of wildcards."""
    return pattern[1:-1] if len(pattern) > 2 and pattern[0] == pattern[-1] == "/" else None


def _matches(pattern: str, name: str) -> bool:
    expression = _expression(pattern)
    return fnmatchcase(name, pattern) if expression is None else re.search(expression, name) is not None


class GroupConfig(Config):
    """How the parameters of a pattern are moved. A key that is left out follows from the kind of each parameter."""

    pattern: str = Field(min_length=1)
    """Of parameter names: ``*.norm.weight`` with wildcards, or ``/layers\\.[01]\\./`` as a regular expression that is found anywhere in a name."""
    weight_decay: float | None = Field(default=None, ge=0)
    """Left out: that of the training for matrices, none for all others."""
    learning_rate_ratio: float = Field(default=1.0, gt=0)
    """What the learning rate is multiplied by."""
    optimizer: OptimizerName | None = None
    """Left out: that of the training for matrices, AdamW for all others."""

    @model_validator(mode="after")
    def _is_a_pattern(self) -> Self:
        if (expression := _expression(self.pattern)) is not None:
            try:
                re.compile(expression)
            except re.error as error:
                raise fault_of_key("pattern", f"{self.pattern!r} is no regular expression: {error}") from None
        return self


ALL = GroupConfig(pattern="*")
"""All parameters, each as its kind asks."""


class Member(NamedTuple):
    """One parameter, and how it is moved."""

    name: str
    parameter: Any
    kind: Kind
    optimizer: OptimizerName
    weight_decay: float
    learning_rate_ratio: float


def members_of(model: Any, groups: Sequence[GroupConfig], optimizer: OptimizerName, weight_decay: float) -> list[Member]:
    """Return the parameters of a torch module that are trained, in its order; one that has several names stands once, by its first.

    Args:
        model: a torch module.
        groups: the first whose pattern matches a name decides.
        optimizer: of matrices whose group leaves it open.
        weight_decay: of matrices whose group leaves it open.

    Raises:
        ValueError: no group matches a parameter, a group decides on none, or Muon is to move what is no matrix.
    """
    kinds = _kinds(model)
    used: set[int] = set()
    members: list[Member] = []
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        index = next((index for index, group in enumerate(groups) if _matches(group.pattern, name)), None)
        if index is None:
            raise ValueError(f"parameter {name} matches no pattern of the parameter groups; end them with one for '*'")
        used.add(index)
        members.append(_member(name, parameter, kinds[id(parameter)], groups[index], optimizer, weight_decay))
    for index, group in enumerate(groups):
        if index not in used:
            raise ValueError(f"the parameter group of {group.pattern!r} decides on no parameter; mend its pattern, move it up or leave it out")
    return members


def _member(name: str, parameter: Any, kind: Kind, group: GroupConfig, optimizer: OptimizerName, weight_decay: float) -> Member:
    chosen = group.optimizer or (optimizer if kind == "matrix" else "adamw")
    if chosen == "muon" and parameter.ndim < 2:
        raise ValueError(f"parameter {name} is a vector, which muon cannot move; give adamw in the group of {group.pattern!r}")
    decay = group.weight_decay if group.weight_decay is not None else weight_decay if kind == "matrix" else 0.0
    return Member(name, parameter, kind, chosen, decay, group.learning_rate_ratio)


def _kinds(model: Any) -> dict[int, Kind]:
    """Return the kind of every parameter by its id: a table where any of its names or modules is one."""
    import torch

    tables = {id(module.weight) for module in model.modules() if isinstance(module, torch.nn.Embedding | torch.nn.EmbeddingBag)}
    kinds: dict[int, Kind] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        if parameter.ndim < 2 or min(parameter.shape[-2:]) == 1 or _RATES.search(name):
            kinds[id(parameter)] = "vector"
        elif id(parameter) in tables or _TABLE.search(name):
            kinds[id(parameter)] = "table"
        else:
            kinds.setdefault(id(parameter), "matrix")
    return kinds
