"""The one loop of every training by gradient steps, resumable bit for bit.

What a step computes follows from config, data and its number alone. A state holds weights, optimizer, averages, guards and records; killed at any
moment, a training goes on from its newest intact state with the same losses. On SIGTERM it keeps a state and ends.
"""

import signal
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, NamedTuple

from kernels.training.config import TrainingConfig
from kernels.training.costs.flops import Flops
from kernels.training.costs.peak import mfu
from kernels.training.course.schedules import Course, learning_rate_at
from kernels.training.execution.scaling import Scaling, ScalingConfig, first_scaling, next_scaling, pack, unpack
from kernels.training.execution.seeding import seed_step
from kernels.training.feeding.feed import Batch, StepFeed
from kernels.training.guards import Guard, Verdict
from kernels.training.learner import Learner, clip
from kernels.training.logs.event_files import FOLDER, EventFile, scalars_of_record
from kernels.training.optimization.averaging import Averaging, start_averaging, swapped_in
from kernels.training.optimization.optimizers import Optimizer
from kernels.training.states.resume import TrainingState, load_state, save_state
from kernels.training.validation import PreparedValidation
from kernels.training.watchdog import Watchdog

Record = dict[str, float | None]


class Place(NamedTuple):
    """Where a training runs and whom it tells."""

    scratch: Any
    """Folder of its states."""
    report: Callable[[dict[str, float]], None]
    say: Callable[[str], None]
    training: str
    """Names config and data, so that a state of another is not taken up."""


class Parts(NamedTuple):
    """All that a training is made of."""

    config: TrainingConfig
    course: Course
    last_step: int
    """Behind which it ends."""
    learner: Learner
    optimizer: Optimizer
    feed: StepFeed
    validation: PreparedValidation
    flops: Flops
    peak_flops: float
    """Of the machine's matrix products in the training's precision, a second."""
    samples: Callable[[], dict[str, str]]
    """Says how the model goes on from the recipe's beginnings."""


class Outcome(NamedTuple):
    """What a training came to."""

    records: list[Record]
    seconds: float
    """Of this run, first step to last, without what stands below."""
    num_tokens: int
    """Of this run."""
    waited_seconds: float
    """For batches."""
    told_seconds: float
    """In reports and states."""


class Trainer:
    """A training under way."""

    def __init__(self, parts: Parts, place: Place) -> None:
        """Begin anew; `run` goes on from a state where there is one."""
        self._parts, self._place = parts, place
        self._parameters = [parameter for parameter in parts.learner.module.parameters() if parameter.requires_grad]
        self._weights: dict[str, Any] = dict(parts.learner.module.named_parameters())
        self._averaging: Averaging | None = None if parts.config.averaging is None else start_averaging(parts.config.averaging)
        self._is_averaged = False
        self._guard = Guard(parts.config.guards)
        self._scaling: Scaling | None = first_scaling(ScalingConfig()) if parts.config.precision == "float16" else None
        self._records: list[Record] = []
        self._rate_ratio = 1.0
        self._num_roll_backs = 0
        self._best: tuple[float, int] | None = None
        self._told = 0.0
        self._events: EventFile
        self._stopping = False

    def run(self) -> Outcome:
        """Take the steps that are left and return what came of all.

        Raises:
            FloatingPointError: the loss diverged, or gradients overflow at the smallest scale (names the step and says why).
            SystemExit: the process was asked to end (SIGTERM); a state is kept.
        """
        first = self._go_on()
        self._events = EventFile(self._place.scratch / FOLDER, first + 1)
        started, counted = time.perf_counter(), 0
        watchdog = Watchdog(self._place.say)
        with self._ended_by_signal(), watchdog:
            while first < self._parts.last_step:
                first, counted = self._stretch(first, started, counted, watchdog)
        self._put_averages_in()
        seconds = time.perf_counter() - started - self._told
        return Outcome(self._records, seconds, counted, self._parts.feed.waited_seconds, self._told)

    def _stretch(self, first: int, started: float, counted: int, watchdog: Watchdog) -> tuple[int, int]:
        """Take steps until the end or until training is rolled back; return the next step and the tokens so far."""
        parts = self._parts
        kept_at = time.monotonic()
        for step, batch in parts.feed.steps(first, parts.last_step):
            record, verdict = self._step(step, batch)
            counted += batch.num_tokens
            watchdog.beat()
            if verdict.kind == "diverged":
                return self._rolled_back(step, verdict), counted
            done = step + 1
            ends = done == parts.last_step
            told = time.perf_counter()
            if ends or done % parts.config.validate_every == 0:
                self._validate(record)
            self._records.append(record)
            self._report(record, counted, told - started - self._told)
            is_due = done % parts.config.checkpoint_every == 0 or self._is_late(kept_at)
            if (is_due or self._stopping) and not ends:
                self._keep(done)
                kept_at = time.monotonic()
            self._told += time.perf_counter() - told
            if self._stopping and not ends:
                raise SystemExit(f"training was asked to end and kept a state behind step {done}; mill up goes on from there")
        return parts.last_step, counted

    def _is_late(self, kept_at: float) -> bool:
        seconds = self._parts.config.checkpoint_seconds
        return seconds is not None and time.monotonic() - kept_at >= seconds

    def _step(self, step: int, batch: Batch) -> tuple[Record, Verdict]:
        """Take one optimizer step, or none where the guards say so; return its record and what they said."""
        parts = self._parts
        scale = self._scaling.scale if self._scaling is not None else 1.0
        rate = learning_rate_at(step, parts.course) * self._rate_ratio
        seed_step(parts.config.seed, step)
        loss = parts.learner.gradients(batch, scale)
        norm = clip(self._parameters, parts.config.gradient_clip, scale)
        record: Record = {"step": float(step + 1), "loss": loss, "learning_rate": rate, "gradient_norm": norm, "num_tokens": float(batch.num_tokens)}
        record |= parts.learner.told
        if self._scaling is not None:
            is_finite = norm == norm and norm != float("inf")
            self._scaling = next_scaling(self._scaling, is_finite, ScalingConfig())
            record |= {"loss_scale": scale}
            if not is_finite:
                parts.optimizer.zero()
                return {**record, "skipped": 1.0}, Verdict("skip", "gradients overflowed in half precision")
        verdict = self._guard.judge(step + 1, loss, norm)
        if verdict.kind == "take":
            parts.optimizer.step(rate)
            self._average(step + 1)
        elif verdict.kind == "skip":
            self._place.say(verdict.words)
        parts.optimizer.zero()
        return {**record, "skipped": float(verdict.kind != "take")}, verdict

    def _rolled_back(self, step: int, verdict: Verdict) -> int:
        """Go back to the newest state and learn slower from there; return the step to go on with. Raises FloatingPointError: not any more."""
        guards = self._parts.config.guards
        state = None if guards.on_divergence == "stop" else self._load()
        if state is None or self._num_roll_backs >= guards.max_roll_backs:
            raise FloatingPointError(f"training diverged: {verdict.words}")
        self._take_up(state)
        self._events = EventFile(self._place.scratch / FOLDER, state.step + 1)
        self._rate_ratio *= guards.roll_back_rate_ratio
        self._num_roll_backs += 1
        self._place.say(f"training diverged: {verdict.words}; going on from step {state.step} at {self._rate_ratio:g} of the rate")
        self._keep(state.step)
        return state.step

    # --- telling ---

    def _validate(self, record: Record) -> None:
        with self._averaged():
            measured = self._parts.validation.measure(self._parts.learner)
            for prompt, text in self._parts.samples().items():
                self._place.say(f"step {record['step']:.0f}: {prompt!r} goes on {text!r}")
        if measured is None:
            return
        record["validation_loss"] = measured.nats_per_token
        record |= {f"validation_{name}": value for name, value in measured.told.items()}
        if measured.bits_per_byte is not None:
            record["validation_bits_per_byte"] = measured.bits_per_byte
        if self._best is None or measured.nats_per_token < self._best[0]:
            self._best = (measured.nats_per_token, int(record["step"] or 0))

    @contextmanager
    def _averaged(self) -> Generator[None]:
        """Have the averaged weights stand in the model for a while, where there are any."""
        if self._averaging is None or not self._is_averaged:
            yield
            return
        with swapped_in(self._averaging.averages(), self._weights):
            yield

    def _average(self, step: int) -> None:
        """Take the weights behind a step into the average, where it is due."""
        config = self._parts.config.averaging
        if self._averaging is not None and config is not None and step % config.every == 0:
            self._averaging.update(self._weights)
            self._is_averaged = True

    def _put_averages_in(self) -> None:
        """Have the model hold the averages at the end: they are what is kept."""
        import torch

        if self._averaging is not None and self._is_averaged:
            averages = self._averaging.averages()
            with torch.no_grad():
                for name, weight in self._weights.items():
                    weight.copy_(averages[name])

    def _report(self, record: Record, num_tokens: int, seconds: float) -> None:
        parts = self._parts
        seconds = max(seconds, 1e-9)
        numbers = {name: value for name, value in record.items() if value is not None}
        self._events.append([scalars_of_record(record, time.time())])
        share = mfu(num_tokens * parts.flops.flops_per_token, seconds, parts.peak_flops)
        self._place.report({**numbers, "num_steps": float(parts.last_step), "tokens_per_second": num_tokens / seconds, "mfu": share})

    # --- states ---

    def _go_on(self) -> int:
        state = self._load()
        if state is None:
            return 0
        self._take_up(state)
        return state.step

    def _load(self) -> TrainingState | None:
        return load_state(self._place.scratch, self._place.say, self._place.training)

    def _keep(self, step: int) -> None:
        parts = self._parts
        tensors: dict[str, Any] = {f"model.{name}": weight.detach() for name, weight in self._weights.items()}
        tensors |= {f"optimizer.{name}": tensor for name, tensor in parts.optimizer.state().items()}
        if self._averaging is not None:
            tensors |= {f"average.{name}": tensor for name, tensor in self._averaging.state().items()}
        numbers: dict[str, Any] = {"guard": self._guard.state(), "rate_ratio": self._rate_ratio, "num_roll_backs": self._num_roll_backs}
        numbers |= {"is_averaged": self._is_averaged}
        numbers |= {"best": self._best, "scaling": None if self._scaling is None else pack(self._scaling)}
        state = TrainingState(step, tensors, self._records, numbers, self._place.training)
        best_step = None if self._best is None else self._best[1]
        save_state(self._place.scratch, state, kept=parts.config.keep_states, best_step=best_step)

    def _take_up(self, state: TrainingState) -> None:
        import torch

        def of(kind: str) -> dict[str, Any]:
            return {name.removeprefix(kind): tensor for name, tensor in state.tensors.items() if name.startswith(kind)}

        weights = of("model.")
        with torch.no_grad():
            for name, weight in self._weights.items():
                weight.copy_(weights[name])
        self._parts.optimizer.load_state(of("optimizer."))
        if self._averaging is not None:
            self._averaging.load_state(of("average."))
        self._is_averaged = bool(state.numbers["is_averaged"])
        self._guard.load_state(state.numbers["guard"])
        self._rate_ratio, self._num_roll_backs = state.numbers["rate_ratio"], state.numbers["num_roll_backs"]
        self._best = None if state.numbers["best"] is None else tuple(state.numbers["best"])
        self._scaling = None if state.numbers["scaling"] is None else unpack(state.numbers["scaling"])
        self._records = list(state.records)

    @contextmanager
    def _ended_by_signal(self) -> Generator[None]:
        """Have SIGTERM end the training behind the step under way, with a state; only the main thread may be told of signals."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def stop(number: int, frame: Any) -> None:
            self._stopping = True

        before = signal.signal(signal.SIGTERM, stop)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)
