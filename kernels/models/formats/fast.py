"""Models that train: a family's own fast module, or Transformers' where there is none; saved in Transformers' form either way."""

import copy
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, cast

from kernels.models.formats.auto_classes import attention_of_class, auto_class, named_class
from kernels.models.formats.state_tables import Table, from_transformers, to_transformers
from kernels.models.formats.writing import write_model
from kernels.specs.architectures import Architecture, Counts, OwnModule
from kernels.specs.families import specs
from kernels.specs.objectives import Attention

INITIAL_STD = 0.02
"""Of the normal distribution that matrices are drawn from, where a family has none of its own (Radford et al. 2019)."""


class Module(Protocol):
    """What a trainer asks of a module, beside what all modules of torch have."""

    blocks: Any
    """The layers as a ModuleList: each is compiled, wrapped or placed by itself."""

    def __call__(self, reading: Any, dtype: Any) -> Any:
        """Return the last hidden states [B, T, D] of a `kernels.models.reading.Reading`, computed in a type."""
        ...

    def output_layer(self) -> tuple[Any, Any] | None:
        """Return weight [V, D] and bias [V] or None of the output layer; None where `logits` alone knows what follows the hidden states."""
        ...


class Fast(NamedTuple):
    """A family's own module for a Transformers config, and how its parameters are called there."""

    module: Any
    """Beside what `Module` has, ``initialise`` fills its weights: it takes a generator of random numbers and a standard deviation."""
    table: Table | None
    """None: the module is what Transformers' class (formats/own.py) holds."""
    attention: Attention
    splits: Mapping[str, tuple[int, ...]] = MappingProxyType({})
    """Rows of the matrices that stand one behind the other in one parameter, by a pattern of its name with wildcards: beside those of the table."""

    def all_splits(self) -> dict[str, tuple[int, ...]]:
        """Return all of them."""
        entries = self.table.entries if self.table is not None else ()
        return {**{entry.ours.replace("{}", "*"): entry.rows for entry in entries if entry.rows}, **self.splits}


class Trainable(NamedTuple):
    """A model that learns, its weights in float32."""

    module: Any
    shape: Any
    """Its Transformers config."""
    attention: Attention
    table: Table | None
    is_own: bool
    """Whether the module is one of ours; else it wraps Transformers'."""
    splits: Mapping[str, tuple[int, ...]] = MappingProxyType({})
    """See `Fast.all_splits`."""


def fast_of(shape: Any) -> Fast | None:
    """Return the fast module of a Transformers config, weights not filled; None where no family has one for it."""
    found = _own_of(shape)
    return None if found is None else found[0].fast(found[1])


def counts_of(shape: Any) -> Counts | None:
    """Return what a model of a Transformers config holds and does as its family's own module; None where no family has one for it."""
    found = _own_of(shape)
    return None if found is None else found[0].counts(found[1])


def _own_of(shape: Any) -> tuple[OwnModule, Any] | None:
    """Return the family's own module of a Transformers config and its sizes."""
    families: Iterable[Architecture] = specs("architectures").values()
    for spec in families:
        stack = None if spec.own is None else spec.own.stack_of(shape)
        if spec.own is not None and stack is not None:
            return spec.own, stack
    return None


def fresh(shape: Any, seed: int) -> Trainable:
    """Return a model with weights drawn by a seed.

    Raises:
        ValueError: no module of ours is of the family, and it is no causal decoder or reads packed documents as one.
    """
    import torch

    found = fast_of(shape)
    generator = torch.Generator().manual_seed(seed)
    if found is not None:
        found.module.initialise(generator, getattr(shape, "initializer_range", INITIAL_STD))
        return Trainable(found.module, shape, found.attention, found.table, is_own=True, splits=found.all_splits())
    draws: Any = torch.random
    with draws.fork_rng(devices=[]):
        draws.manual_seed(seed)
        return _wrapped(auto_class(shape).from_config(shape, dtype=torch.float32))


def taken(model: Any) -> Trainable:
    """Return a loaded model of Transformers as one that learns: its weights in a fast module where there is one.

    Raises:
        ValueError: see `fresh`.
    """
    found = fast_of(model.config)
    if found is None:
        return _wrapped(model.float())
    state = {name: tensor.float() for name, tensor in model.state_dict().items()}
    if found.table is not None:
        tied = set(model.all_tied_weights_keys) if model.config.tie_word_embeddings else set[str]()
        tied -= {name for entry in found.table.expanded() for name in entry.theirs}  # what the module holds apart may have begun as one
        state = from_transformers({name: tensor for name, tensor in state.items() if name not in tied}, found.table)
    else:
        state = {name.removeprefix("module."): tensor for name, tensor in state.items()}
    found.module.load_state_dict(state)
    return Trainable(found.module, model.config, found.attention, found.table, is_own=True, splits=found.all_splits())


def write(trained: Trainable, folder: Path, state: Mapping[str, Any] | None = None) -> None:
    """Write config.json, model.safetensors and generation_config.json as Transformers does: the same weights give the same bytes.

    Args:
        trained: the model.
        folder: of the files.
        state: all that the model is made of by the names of its module, where that holds no more than a piece of it.

    Raises:
        ValueError: a tensor has no place in Transformers' model, or none fills one of its own.
    """
    import torch

    whole: Mapping[str, Any] = trained.module.state_dict() if state is None else state
    if not trained.is_own:
        write_model(trained.module.model, folder, {name.removeprefix("model."): tensor for name, tensor in whole.items()})
        return
    with torch.device("meta"):
        model: Any = model_class(trained.shape, auto_class(trained.shape))(trained.shape)
    ours = {name: tensor.detach().cpu() for name, tensor in whole.items()}
    theirs = {f"module.{name}": tensor for name, tensor in ours.items()} if trained.table is None else to_transformers(ours, trained.table)
    missing, unexpected = model.load_state_dict(theirs, strict=False, assign=True)
    tied = set(model.all_tied_weights_keys) if trained.shape.tie_word_embeddings else set[str]()
    lacking = sorted(set(missing) - tied)
    if lacking or unexpected:
        raise ValueError(f"{trained.shape.model_type}: the state-dict table leaves out {lacking[:3]} and has unknown {unexpected[:3]}")
    model.tie_weights(missing_keys=set(missing), recompute_mapping=False)  # what has weights of its own stays apart
    if tied - set(missing):  # T5's config says that all are one, and older versions of Transformers go by it
        model.config = copy.copy(model.config)
        model.config.tie_word_embeddings = False
    write_model(model, folder)


def model_class(shape: Any, fallback: Any) -> Any:
    """Return Transformers' class for a config: the one that it names, else the one that an auto class has for its model type."""
    import transformers

    library: Any = transformers
    named = named_class(shape)
    found: Any = getattr(library, named, None) if named else None
    if found is None:
        found = fallback._model_mapping[type(shape)]  # the public way makes weights
    return cast(Any, found[0] if isinstance(found, tuple) else found)


def _wrapped(model: Any) -> Trainable:
    from kernels.models.blocks.wrapped import Wrapped

    attention = attention_of_class(type(model).__name__)
    if attention != "causal":
        raise ValueError(f"{type(model).__name__}: only causal decoders learn by Transformers' own module, and this one is {attention}")
    return Trainable(Wrapped(model), model.config, "causal", None, is_own=False)
