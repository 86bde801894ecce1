"""Averages of weights over a training, which are validated and kept in place of the last weights.

Either an exponential moving average (Polyak and Juditsky 1992), whose decay may warm up so that the first weights are soon forgotten, or the mean of
the last snapshots (Izmailov et al. 2018, arXiv 1803.05407; of language models: Vaswani et al. 2017, arXiv 1706.03762, section 6.1). Averages are in
float32, and their state is a flat dictionary of tensors, so that a training goes on bit for bit. A tied weight stands once, as in the weights given.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, Protocol, Self

from pydantic import Field, model_validator

from kernels.specs.config import Config, fault_of_key

DECAY = 0.999
NUM_SNAPSHOTS = 5
_KEYS = {"ema": ("decay", "warms_up"), "snapshots": ("num_snapshots",)}
_COUNT = "num_updates"


class AveragingConfig(Config):
    """What is averaged over."""

    kind: Literal["ema", "snapshots"]
    """All weights, the later the more, or the last snapshots alike."""
    every: int = Field(default=1, gt=0)
    """Steps between two weights that are averaged."""
    decay: float | None = Field(default=None, gt=0, lt=1)
    """Share of a moving average that stays at every update. Left out: 0.999."""
    warms_up: bool | None = None
    """Whether the decay of update n is no more than (1 + n) / (10 + n), n counted from 1. Left out: yes."""
    num_snapshots: int | None = Field(default=None, gt=1)
    """Snapshots that are held, each as large as the model in float32. Left out: 5 (Vaswani et al. 2017)."""

    @model_validator(mode="after")
    def _tells_of_its_kind(self) -> Self:
        for kind, keys in _KEYS.items():
            for key in keys:
                if kind != self.kind and getattr(self, key) is not None:
                    raise fault_of_key(key, f"averaging of kind {self.kind!r} has none; leave {key} out or take kind {kind!r}")
        return self


def num_averages(config: AveragingConfig | None) -> int:
    """Return how many copies of the weights averages are made of."""
    if config is None:
        return 0
    return (config.num_snapshots or NUM_SNAPSHOTS) if config.kind == "snapshots" else 1


class Averaging(Protocol):
    """Weights averaged so far."""

    def update(self, weights: Mapping[str, Any]) -> None:
        """Take the weights of a step in, by name."""
        ...

    def averages(self) -> dict[str, Any]:
        """Return the averages in float32, by name. Raises ValueError: nothing was taken in."""
        ...

    def state(self) -> dict[str, Any]:
        """Return all that an average goes on from, as tensors by name."""
        ...

    def load_state(self, tensors: Mapping[str, Any]) -> None:
        """Take a state over. Raises ValueError: it is of another kind of average."""
        ...


def start_averaging(config: AveragingConfig) -> Averaging:
    """Return an average of nothing yet."""
    if config.kind == "snapshots":
        return Snapshots(config.num_snapshots or NUM_SNAPSHOTS)
    return MovingAverage(config.decay or DECAY, warms_up=config.warms_up is not False)


class MovingAverage:
    """An exponential moving average; the first weights are its first value."""

    def __init__(self, decay: float, *, warms_up: bool) -> None:
        """Start with nothing."""
        self._decay, self._warms_up = decay, warms_up
        self._averages: dict[str, Any] = {}
        self._num_updates = 0

    def update(self, weights: Mapping[str, Any]) -> None:
        """Take the weights of a step in, by name."""
        import torch

        if not self._averages:
            self._averages = _copies(weights)
            return
        self._num_updates += 1
        decay = min(self._decay, (1 + self._num_updates) / (10 + self._num_updates)) if self._warms_up else self._decay
        with torch.no_grad():
            for name, average in self._averages.items():
                average.lerp_(weights[name].detach().float(), 1 - decay)

    def averages(self) -> dict[str, Any]:
        """Return the averages in float32, by name. Raises ValueError: nothing was taken in."""
        _check_begun(self._averages)
        return self._averages

    def state(self) -> dict[str, Any]:
        """Return the averages and how often they were updated."""
        import torch

        return {_COUNT: torch.tensor(self._num_updates), **{f"ema.{name}": average for name, average in self._averages.items()}}

    def load_state(self, tensors: Mapping[str, Any]) -> None:
        """Take a state over. Raises ValueError: it is of another kind of average."""
        _check_kind(tensors, "ema")
        self._num_updates = int(tensors[_COUNT])
        self._averages = _copies({name.removeprefix("ema."): tensor for name, tensor in tensors.items() if name != _COUNT})


class Snapshots:
    """The mean of the last snapshots, or of all while there are fewer."""

    def __init__(self, num_snapshots: int) -> None:
        """Start with nothing."""
        self._num_snapshots = num_snapshots
        self._snapshots: list[dict[str, Any]] = []

    def update(self, weights: Mapping[str, Any]) -> None:
        """Take the weights of a step in, by name; the oldest make room."""
        self._snapshots = [*self._snapshots, _copies(weights)][-self._num_snapshots :]

    def averages(self) -> dict[str, Any]:
        """Return the means in float32, by name. Raises ValueError: nothing was taken in."""
        _check_begun(self._snapshots)
        means = _copies(self._snapshots[0])
        for snapshot in self._snapshots[1:]:
            for name, mean in means.items():
                mean.add_(snapshot[name])
        return {name: mean.div_(len(self._snapshots)) for name, mean in means.items()}

    def state(self) -> dict[str, Any]:
        """Return the snapshots, the oldest first."""
        return {f"snapshots.{index}.{name}": tensor for index, weights in enumerate(self._snapshots) for name, tensor in weights.items()}

    def load_state(self, tensors: Mapping[str, Any]) -> None:
        """Take a state over. Raises ValueError: it is of another kind of average."""
        _check_kind(tensors, "snapshots")
        snapshots: dict[int, dict[str, Any]] = {}
        for key, tensor in tensors.items():
            _, index, name = key.split(".", 2)
            snapshots.setdefault(int(index), {})[name] = tensor
        self._snapshots = [_copies(snapshots[index]) for index in sorted(snapshots)]


@contextmanager
def swapped_in(averages: Mapping[str, Any], weights: Mapping[str, Any]) -> Generator[None]:
    """Have weights, by name, hold their averages for a while, and then the very bits that they held before."""
    before = {name: weight.detach().clone() for name, weight in weights.items()}
    try:
        put_in(averages, weights)
        yield
    finally:
        put_in(before, weights)


def put_in(tensors: Mapping[str, Any], weights: Mapping[str, Any]) -> None:
    """Have weights, by name, hold what tensors of these names hold."""
    import torch

    with torch.no_grad():
        for name, weight in weights.items():
            weight.copy_(tensors[name])


def _copies(weights: Mapping[str, Any]) -> dict[str, Any]:
    import torch

    return {name: weight.detach().to(torch.float32, copy=True) for name, weight in weights.items()}


def _check_begun(taken: Any) -> None:
    if not taken:
        raise ValueError("no weights were averaged yet; validate the weights themselves before the first update")


def _check_kind(tensors: Mapping[str, Any], kind: str) -> None:
    foreign = sorted(name for name in tensors if name != _COUNT and not name.startswith(f"{kind}."))
    if foreign or (kind == "ema") is not (_COUNT in tensors):
        raise ValueError(f"the state is of no average of kind {kind!r}: it has {', '.join(foreign[:3]) or 'other slots'}; train anew")
