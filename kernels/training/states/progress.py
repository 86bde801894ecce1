"""Where a training has got to: all that its next step depends on and all that was written down of it, as it is kept and taken up again."""

import math
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from kernels.training.config import TrainingConfig
from kernels.training.execution.scaling import Scaling, ScalingConfig, first_scaling, pack, unpack
from kernels.training.guards import Guard
from kernels.training.optimization.averaging import Averaging, put_in, start_averaging, swapped_in
from kernels.training.optimization.optimizers import Optimizer
from kernels.training.states.journal import Journal
from kernels.training.states.resume import TrainingState, load_state, load_state_of, remove_behind, save_state

RECORDS, STATISTICS = "records.jsonl", "tensor_statistics.jsonl"
"""Journals, beside the states."""


class StatesPlace(NamedTuple):
    """Where the states of a training are."""

    scratch: Path
    training: str
    """Names config, first weights and data, so that a state of another is not taken up."""
    say: Callable[[str], None]


class Progress:
    """Weights, optimizer, averages, guard and scale, and the records of the steps so far."""

    def __init__(self, config: TrainingConfig, module: Any, optimizer: Optimizer, place: StatesPlace) -> None:
        """Begin anew; `go_on` stands where the newest state stood."""
        self.weights: dict[str, Any] = dict(module.named_parameters())
        self.guard = Guard(config.guards)
        self.scaling: Scaling | None = first_scaling(ScalingConfig()) if config.precision == "float16" else None
        self.rate_ratio = 1.0
        """What the learning rate is multiplied by since training was rolled back."""
        self.num_roll_backs = 0
        self.best: tuple[float, int] | None = None
        """The lowest validation loss and its step."""
        self.records, self.statistics = Journal(place.scratch / RECORDS), Journal(place.scratch / STATISTICS)
        self._optimizer, self._place = optimizer, place
        self._num_kept, self._keep_every, self._keeps_best = config.keep_states, config.checkpoint_every, config.keep == "best"
        self._averaging: Averaging | None = None if config.averaging is None else start_averaging(config.averaging)
        self._average_every = 1 if config.averaging is None else config.averaging.every
        self._is_averaged = False

    # --- validations ---

    def take_validation(self, loss: float, step: int) -> None:
        """Take in what a validation behind a step measured; one that is no number is never the best."""
        if math.isfinite(loss) and (self.best is None or loss < self.best[0]):
            self.best = (loss, step)

    def is_best(self, step: int) -> bool:
        """Return whether no validation was better than that behind a step."""
        return self.best is not None and self.best[1] == step

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

    # --- the end ---

    def put_kept_in(self, last_step: int) -> int:
        """Have the model hold what is kept of a training at its end; return the step that it is of.

        That is the last one or, where the config says so, that of the best validation: its averages where there are any, else its weights.
        Raises ValueError: the state of the best validation is damaged.
        """
        step = last_step
        if self._keeps_best and self.best is not None and self.best[1] != last_step:
            step = self.best[1]
            self._put_weights_in(load_state_of(self._place.scratch, step, self._place.training))
        if self._averaging is not None and self._is_averaged:
            put_in(self._averaging.averages(), self.weights)
        return step

    # --- states ---

    def go_on(self) -> int:
        """Stand where the newest state stood, if there is one; return the first step to take."""
        state = load_state(self._place.scratch, self._place.say, self._place.training)
        if state is None:
            return 0
        self.take_up(state)
        return state.step

    def to_go_back_to(self) -> TrainingState | None:
        """Return the newest state that the training keeps however it is disturbed, None where there is none."""
        return load_state(self._place.scratch, self._place.say, self._place.training, every=self._keep_every)

    def go_back(self, state: TrainingState, ratio: float) -> None:
        """Stand where a state stood, at a ratio of the rate from there on, and keep that in its place."""
        self.take_up(state)
        self.guard.begin_streaks_anew()
        self.rate_ratio *= ratio
        self.num_roll_backs += 1
        remove_behind(self._place.scratch, state.step)
        self.keep(state.step)

    def keep(self, step: int) -> None:
        """Keep the state behind a step."""
        save_state(self._place.scratch, self._state(step), kept=self._num_kept, every=self._keep_every)

    def _state(self, step: int) -> TrainingState:
        """Return the state behind a step: its tensors are the training's own, which the next step changes."""
        tensors: dict[str, Any] = {f"model.{name}": weight.detach() for name, weight in self.weights.items()}
        tensors |= {f"optimizer.{name}": tensor for name, tensor in self._optimizer.state().items()}
        if self._averaging is not None:
            tensors |= {f"average.{name}": tensor for name, tensor in self._averaging.state().items()}
        numbers: dict[str, Any] = {"guard": self.guard.state(), "rate_ratio": self.rate_ratio, "num_roll_backs": self.num_roll_backs}
        numbers |= {"is_averaged": self._is_averaged, "best": self.best}
        numbers |= {"scaling": None if self.scaling is None else pack(self.scaling)}
        marks = {journal.path.name: journal.mark() for journal in (self.records, self.statistics)}
        return TrainingState(step, tensors, marks, numbers, self._place.training, None if self.best is None else self.best[1])

    def take_up(self, state: TrainingState) -> None:
        """Stand where a state stood. Raises ValueError: it is of another model or optimizer."""
        self._put_weights_in(state)
        self._optimizer.load_state(_tensors_of(state, "optimizer."))
        numbers = state.numbers
        self.guard.load_state(numbers["guard"])
        self.rate_ratio, self.num_roll_backs = numbers["rate_ratio"], numbers["num_roll_backs"]
        self.best = None if numbers["best"] is None else tuple(numbers["best"])
        self.scaling = None if numbers["scaling"] is None else unpack(numbers["scaling"])
        for journal in (self.records, self.statistics):
            journal.go_back(state.marks[journal.path.name])

    def _put_weights_in(self, state: TrainingState) -> None:
        """Have weights and their averages be those of a state."""
        put_in(_tensors_of(state, "model."), self.weights)
        self._is_averaged = bool(state.numbers["is_averaged"])
        if self._averaging is not None:
            device = next(iter(self.weights.values())).device
            self._averaging.load_state({name: tensor.to(device) for name, tensor in _tensors_of(state, "average.").items()})


def _tensors_of(state: TrainingState, kind: str) -> dict[str, Any]:
    """Return the tensors of a state whose names begin with a kind, without it."""
    return {name.removeprefix(kind): tensor for name, tensor in state.tensors.items() if name.startswith(kind)}
