"""Where a training has got to: all that its next step depends on and all that was written down of it, as it is kept and taken up again."""

import math
import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from kernels.training.config import TrainingConfig
from kernels.training.execution.scaling import Scaling, ScalingConfig, first_scaling, pack, unpack
from kernels.training.guards import Guard
from kernels.training.optimization.averaging import Averaging, put_in, start_averaging, swapped_in
from kernels.training.optimization.optimizers import Optimizer
from kernels.training.parallel.spread import Spread
from kernels.training.states.journal import Journal
from kernels.training.states.resume import TrainingState, load_state, load_state_of, remove_behind, save_state

RECORDS, STATISTICS = "records.jsonl", "tensor_statistics.jsonl"
"""Journals, beside the states."""
MODEL, OPTIMIZER, AVERAGE = "model.", "optimizer.", "average."
"""What names of tensors in a state begin with."""


class StatesPlace(NamedTuple):
    """Where the states of a training are."""

    scratch: Path
    training: str
    """Names config, first weights and data, so that a state of another is not taken up."""
    say: Callable[[str], None]


class Progress:
    """Weights, optimizer, averages, guard and scale, and the records of the steps so far."""

    def __init__(self, config: TrainingConfig, spread: Spread, optimizer: Optimizer, place: StatesPlace) -> None:
        """Begin anew; `go_on` stands where the newest state stood."""
        self._spread = spread
        self.weights: dict[str, Any] = {name: shard.tensor for name, shard in spread.shards.items()}
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
        state = self._newest(1)
        if state is None:
            return 0
        self.take_up(state)
        return state.step

    def to_go_back_to(self) -> TrainingState | None:
        """Return the newest state that the training keeps however it is disturbed, None where there is none."""
        return self._newest(self._keep_every)

    def _newest(self, every: int) -> TrainingState | None:
        """Return the newest intact state at a multiple of ``every`` steps: one process looks for it, and all take that one."""
        team, (scratch, training, say) = self._spread.team, self._place
        found = load_state(scratch, say, training, every=every) if team.is_first else None
        step = team.told_by_first(None if found is None else found.step)
        return found if step is None or team.is_first else load_state_of(scratch, step, training)

    def go_back(self, state: TrainingState, ratio: float) -> None:
        """Stand where a state stood, at a ratio of the rate from there on, and keep that in its place."""
        self.take_up(state)
        self.guard.begin_streaks_anew()
        self.rate_ratio *= ratio
        self.num_roll_backs += 1
        if self._spread.team.is_first:
            remove_behind(self._place.scratch, state.step)
        self.keep(state.step)

    def keep(self, step: int) -> None:
        """Keep the state behind a step, whole, however it is held: any layout may go on from it.

        Raises:
            FloatingPointError: processes that should hold the same weights do not.
        """
        self._spread.check_copies()
        tensors: dict[str, Any] = {}
        averages = {} if self._averaging is None else self._averaging.state()
        for kind, slots in {MODEL: self.weights, OPTIMIZER: self._optimizer.state(), AVERAGE: averages}.items():
            whole = {name: self._spread.wholes.whole(_parameter_of(kind, name), tensor) for name, tensor in slots.items()}
            of_all = self._spread.wholes.of_stages(whole, partial(_parameter_of, kind))
            tensors |= {f"{kind}{name}": tensor for name, tensor in of_all.items()}
        if self._spread.team.is_first:
            save_state(self._place.scratch, self._state(step, tensors), kept=self._num_kept, every=self._keep_every)
        self._spread.team.wait()

    def _state(self, step: int, tensors: dict[str, Any]) -> TrainingState:
        """Return the state behind a step."""
        numbers: dict[str, Any] = {"guard": self.guard.state(), "rate_ratio": self.rate_ratio, "num_roll_backs": self.num_roll_backs}
        numbers |= {"is_averaged": self._is_averaged, "best": self.best}
        numbers |= {"scaling": None if self.scaling is None else pack(self.scaling)}
        marks = {journal.path.name: journal.mark() for journal in (self.records, self.statistics)}
        return TrainingState(step, tensors, marks, numbers, self._place.training, None if self.best is None else self.best[1])

    def take_up(self, state: TrainingState) -> None:
        """Stand where a state stood. Raises ValueError: it is of another model or optimizer."""
        self._put_weights_in(state)
        self._optimizer.load_state(self._pieces_of(state, OPTIMIZER))
        numbers = state.numbers
        self.guard.load_state(numbers["guard"])
        self.rate_ratio, self.num_roll_backs = numbers["rate_ratio"], numbers["num_roll_backs"]
        self.best = None if numbers["best"] is None else tuple(numbers["best"])
        self.scaling = None if numbers["scaling"] is None else unpack(numbers["scaling"])
        for journal in (self.records, self.statistics):
            journal.go_back(state.marks[journal.path.name])

    def _put_weights_in(self, state: TrainingState) -> None:
        """Have weights and their averages be those of a state."""
        put_in(self._pieces_of(state, MODEL), self.weights)
        self._is_averaged = bool(state.numbers["is_averaged"])
        if self._averaging is not None:
            device = next(iter(self.weights.values())).device
            self._averaging.load_state({name: tensor.to(device) for name, tensor in self._pieces_of(state, AVERAGE).items()})

    def _pieces_of(self, state: TrainingState, kind: str) -> dict[str, Any]:
        """Return what this process holds of slots of a kind."""
        held = {name: tensor for name, tensor in _tensors_of(state, kind).items() if self._spread.wholes.is_held(_parameter_of(kind, name))}
        return {name: self._spread.wholes.piece(_parameter_of(kind, name), tensor) for name, tensor in held.items()}


def _parameter_of(kind: str, slot: str) -> str:
    """Return the name of the parameter that a weight, a slot of the optimizer (``PARAMETER.SLOT``) or of averages (``ema.PARAMETER``) is of."""
    if kind == MODEL:
        return slot
    return slot.rpartition(".")[0] if kind == OPTIMIZER else re.sub(r"^(ema|snapshots\.\d+)\.", "", slot)


def _tensors_of(state: TrainingState, kind: str) -> dict[str, Any]:
    """Return the tensors of a state whose names begin with a kind, without it."""
    return {name.removeprefix(kind): tensor for name, tensor in state.tensors.items() if name.startswith(kind)}
