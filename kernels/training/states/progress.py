"""Where a training has got to: all that its next step depends on and all that was written down of it, as it is kept and taken up again."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kernels.training.config import TrainingConfig
from kernels.training.execution.scaling import Scaling, ScalingConfig, first_scaling, pack, unpack
from kernels.training.guards import Guard
from kernels.training.optimization.averaging import Averaging, start_averaging, swapped_in
from kernels.training.optimization.optimizers import Optimizer
from kernels.training.states.journal import Journal
from kernels.training.states.resume import TrainingState

RECORDS, STATISTICS = "records.jsonl", "tensor_statistics.jsonl"
"""Journals, beside the states."""


class Progress:
    """Weights, optimizer, averages, guard and scale, and the records of the steps so far."""

    def __init__(self, config: TrainingConfig, module: Any, optimizer: Optimizer, scratch: Path) -> None:
        """Begin anew."""
        self.weights: dict[str, Any] = dict(module.named_parameters())
        self.guard = Guard(config.guards)
        self.scaling: Scaling | None = first_scaling(ScalingConfig()) if config.precision == "float16" else None
        self.rate_ratio = 1.0
        """What the learning rate is multiplied by since training was rolled back."""
        self.num_roll_backs = 0
        self.best: tuple[float, int] | None = None
        """The lowest validation loss and its step."""
        self.records, self.statistics = Journal(scratch / RECORDS), Journal(scratch / STATISTICS)
        self._optimizer = optimizer
        self._averaging: Averaging | None = None if config.averaging is None else start_averaging(config.averaging)
        self._average_every = 1 if config.averaging is None else config.averaging.every
        self._is_averaged = False

    # --- averages ---

    def average(self, step: int) -> None:
        """Take the weights behind a step into the average, where it is due."""
        if self._averaging is not None and step % self._average_every == 0:
            self._averaging.update(self.weights)
            self._is_averaged = True

    @contextmanager
    def averaged(self) -> Generator[None]:
        """Have the averaged weights stand in the model for a while, where there are any."""
        if self._averaging is None or not self._is_averaged:
            yield
            return
        with swapped_in(self._averaging.averages(), self.weights):
            yield

    def put_averages_in(self) -> None:
        """Have the model hold the averages at the end: they are what is kept."""
        if self._averaging is not None and self._is_averaged:
            self._put_in(self._averaging.averages())

    def _put_in(self, weights: Mapping[str, Any]) -> None:
        import torch

        with torch.no_grad():
            for name, weight in self.weights.items():
                weight.copy_(weights[name])

    # --- states ---

    def state(self, step: int, training: str) -> TrainingState:
        """Return the state behind a step of the training of some name: its tensors are the training's own, which the next step changes."""
        tensors: dict[str, Any] = {f"model.{name}": weight.detach() for name, weight in self.weights.items()}
        tensors |= {f"optimizer.{name}": tensor for name, tensor in self._optimizer.state().items()}
        if self._averaging is not None:
            tensors |= {f"average.{name}": tensor for name, tensor in self._averaging.state().items()}
        numbers: dict[str, Any] = {"guard": self.guard.state(), "rate_ratio": self.rate_ratio, "num_roll_backs": self.num_roll_backs}
        numbers |= {"is_averaged": self._is_averaged, "best": self.best}
        numbers |= {"scaling": None if self.scaling is None else pack(self.scaling)}
        marks = {journal.path.name: journal.mark() for journal in (self.records, self.statistics)}
        return TrainingState(step, tensors, marks, numbers, training)

    def take_up(self, state: TrainingState) -> None:
        """Stand where a state stood. Raises ValueError: it is of another model or optimizer."""

        def of(kind: str) -> dict[str, Any]:
            return {name.removeprefix(kind): tensor for name, tensor in state.tensors.items() if name.startswith(kind)}

        self._put_in(of("model."))
        self._optimizer.load_state(of("optimizer."))
        if self._averaging is not None:
            self._averaging.load_state(of("average."))
        numbers = state.numbers
        self._is_averaged = bool(numbers["is_averaged"])
        self.guard.load_state(numbers["guard"])
        self.rate_ratio, self.num_roll_backs = numbers["rate_ratio"], numbers["num_roll_backs"]
        self.best = None if numbers["best"] is None else tuple(numbers["best"])
        self.scaling = None if numbers["scaling"] is None else unpack(numbers["scaling"])
        for journal in (self.records, self.statistics):
            journal.go_back(state.marks[journal.path.name])
