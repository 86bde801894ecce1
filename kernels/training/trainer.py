"""The one loop of every training by gradient steps, resumable bit for bit.

What a step computes follows from config, data and its number alone. A state holds weights, optimizer, averages and guards, and marks how far the
records beside it are its own; killed at any moment, a training goes on from its newest intact state with the same losses. On SIGTERM it keeps a state
and ends.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kernels.training.config import TrainingConfig
from kernels.training.costs.flops import Flops
from kernels.training.course.schedules import Course, learning_rate_at
from kernels.training.execution.ending import Ending
from kernels.training.execution.scaling import ScalingConfig, next_scaling
from kernels.training.execution.seeding import seed_step
from kernels.training.execution.standing import Peers
from kernels.training.feeding.feed import Batch, StepFeed
from kernels.training.guards import Verdict
from kernels.training.learner import Learner, clip
from kernels.training.logs.speed import Speed
from kernels.training.logs.telling import Telling
from kernels.training.logs.tensors import TensorWatch
from kernels.training.optimization.optimizers import Optimizer
from kernels.training.states.progress import Progress, StatesPlace
from kernels.training.validation import PreparedValidation
from kernels.training.watchdog import Watchdog

Record = dict[str, float | None]


class Place(NamedTuple):
    """Where a training runs and whom it tells."""

    scratch: Path
    """Folder of its states."""
    report: Callable[[dict[str, float]], None]
    say: Callable[[str], None]
    training: str
    """Names config, first weights and data, so that a state of another is not taken up."""


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
    flops_per_token: Callable[[int], int]
    """Of a step, counted from 0."""
    peak_flops: float
    """Of the matrix products of all processes in the training's precision, a second."""
    samples: Callable[[], dict[str, str]]
    """Says how the model goes on from the recipe's beginnings."""


class Outcome(NamedTuple):
    """What a training came to."""

    records: Sequence[Record]
    statistics: Sequence[dict[str, Any]]
    """Of tensors, where the config asks for any: see tensors.py."""
    speed: Speed
    """Of this run, first step to last."""
    waited_seconds: float
    """Of this run, for batches."""
    kept_step: int
    """Whose weights, or averages of them, the model holds."""


class Trainer:
    """A training under way."""

    def __init__(self, parts: Parts, place: Place) -> None:
        """Begin anew; `run` goes on from a state where there is one."""
        self._parts, self._place = parts, place
        states = StatesPlace(place.scratch, place.training, place.say)
        self._progress = Progress(parts.config, parts.learner.spread, parts.optimizer, states)
        self._speed: Speed
        self._telling: Telling | None = None
        """Of the one process that tells."""
        self._ending = Ending()

    def run(self) -> Outcome:
        """Take the steps that are left and return what came of all.

        Raises:
            FloatingPointError: the loss diverged, gradients overflow at the smallest scale, or processes that should hold the same weights do not
                (says why).
            SystemExit: the process was asked to end (SIGTERM); a state is kept.
        """
        parts, place = self._parts, self._place
        step = self._progress.go_on()
        self._speed = Speed(parts.flops.flops_per_token, parts.peak_flops)
        if parts.learner.team.is_first:
            self._telling = Telling(place.scratch, self._speed, parts.learner.setting.device, place.report, place.say, parts.last_step)
            self._telling.go_on(step)
        team = parts.learner.team
        peers = None if team.is_alone else Peers(team.rank.number, team.layout.processes, place.scratch)
        with self._ending, Watchdog(place.say, peers=peers) as watchdog:
            while step < parts.last_step:
                step = self._stretch(step, watchdog)
        kept_step = self._progress.put_kept_in(parts.last_step)
        if kept_step != parts.last_step:
            place.say(f"the checkpoint holds the weights of step {kept_step}, whose validation was the best")
        return Outcome(self._progress.records.rows, self._progress.statistics.rows, self._speed, parts.feed.waited_seconds, kept_step)

    def _stretch(self, first: int, watchdog: Watchdog) -> int:
        """Take steps until the end or until training is rolled back; return the next step."""
        parts = self._parts
        kept_at = time.monotonic()
        for step, read_here in parts.feed.steps(first, parts.last_step):
            batch = parts.learner.team.of_all(read_here)
            record, statistics, verdict = self._step(step, batch)
            self._speed.count(batch.num_tokens, parts.flops_per_token(step))
            watchdog.beat()
            if verdict.kind == "diverged":
                with self._speed.telling():
                    return self._rolled_back(step, verdict)
            done = step + 1
            ends = done == parts.last_step
            with self._speed.telling():
                if ends or done % parts.config.validate_every == 0:
                    self._validate(record)
                self._progress.records.append(record)
                self._progress.statistics.append(*statistics)
                if self._telling is not None:
                    self._telling.step(record, statistics)
                is_late, is_asked = map(bool, parts.learner.team.sums([self._is_late(kept_at), self._ending.is_asked]))
                is_due = done % parts.config.checkpoint_every == 0 or is_late or self._progress.is_best(done)
                if (is_due or is_asked) and not ends:
                    self._progress.keep(done)
                    kept_at = time.monotonic()
            if is_asked and not ends:
                raise SystemExit(f"training was asked to end and kept a state behind step {done}; mill up goes on from there")
        return parts.last_step

    def _is_late(self, kept_at: float) -> bool:
        seconds = self._parts.config.checkpoint_seconds
        return seconds is not None and time.monotonic() - kept_at >= seconds

    def _step(self, step: int, batch: Batch) -> tuple[Record, list[dict[str, Any]], Verdict]:
        """Take one optimizer step, or none where the guards say so; return its record, what tensors did where that is due, and what guards said."""
        parts, progress = self._parts, self._progress
        scale = progress.scaling.scale if progress.scaling is not None else 1.0
        rate = learning_rate_at(step, parts.course) * progress.rate_ratio
        seed_step(parts.config.seed, step)
        loss = parts.learner.gradients(batch, scale)
        watch = self._watch(step + 1, scale)
        norm = clip(parts.learner.spread, parts.config.gradient_clip, scale)
        record: Record = {"step": float(step + 1), "loss": loss, "learning_rate": rate, "gradient_norm": norm, "num_tokens": float(batch.num_tokens)}
        record |= parts.learner.told
        verdict = self._judge(record, norm)
        if verdict.kind == "take":
            parts.optimizer.step(rate)
            progress.average(step + 1)
        if verdict.words and verdict.kind != "diverged":
            self._place.say(verdict.words)
        with self._speed.telling():
            statistics = [] if watch is None else watch.rows(step + 1)
        parts.optimizer.zero()
        return {**record, "skipped": float(verdict.kind != "take")}, statistics, verdict

    def _watch(self, step: int, scale: float) -> TensorWatch | None:
        """Return what looks at the tensors of a step, None where that is not due."""
        every = self._parts.config.tensor_statistics_every
        if every is None or step % every != 0:
            return None
        with self._speed.telling():
            spread = self._parts.learner.spread
            return TensorWatch({name: shard.tensor for name, shard in spread.shards.items()}, scale, spread.wholes.sums)

    def _judge(self, record: Record, norm: float) -> Verdict:
        """Return whether a step is taken; a scale that gradients overflow at is lowered, without a word."""
        progress = self._progress
        if progress.scaling is not None:
            is_finite = norm == norm and norm != float("inf")
            record |= {"loss_scale": progress.scaling.scale}
            progress.scaling = next_scaling(progress.scaling, is_finite, ScalingConfig())
            if not is_finite:
                return Verdict("skip", "")
        return progress.guard.judge(int(record["step"] or 0), float(record["loss"] or 0.0), norm)

    def _rolled_back(self, step: int, verdict: Verdict) -> int:
        """Go back to the newest state that is kept however training is disturbed, and learn slower from there; return the step to go on with.

        Raises:
            FloatingPointError: not any more.
        """
        guards, progress = self._parts.config.guards, self._progress
        state = None if guards.on_divergence == "stop" else progress.to_go_back_to()
        if state is None or progress.num_roll_backs >= guards.max_roll_backs:
            raise FloatingPointError(f"training diverged: {verdict.words}")
        progress.go_back(state, guards.roll_back_rate_ratio)
        if self._telling is not None:
            self._telling.go_on(state.step)
        self._place.say(f"training diverged: {verdict.words}; going on from step {state.step} at {progress.rate_ratio:g} of the rate")
        return state.step

    def _validate(self, record: Record) -> None:
        self._parts.learner.spread.check_copies()
        with self._progress.averaged():
            measured = self._parts.validation.measure(self._parts.learner)
            for prompt, text in self._parts.samples().items():
                self._place.say(f"step {record['step']:.0f}: {prompt!r} goes on {text!r}")
        if measured is None:
            return
        record["validation_loss"] = measured.nats_per_token
        record |= {f"validation_{name}": value for name, value in measured.told.items()}
        if measured.bits_per_byte is not None:
            record["validation_bits_per_byte"] = measured.bits_per_byte
        self._progress.take_validation(measured.nats_per_token, int(record["step"] or 0))
