"""What every training decides before its model is touched, and the parts that it is then made of, whatever it reads."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from kernels.specs.methods import MethodJob
from kernels.training.config import TrainingConfig
from kernels.training.costs.flops import Flops
from kernels.training.costs.peak import measure_peak
from kernels.training.course import derived
from kernels.training.course.horizon import Extent, Horizon, find_horizon, tokens_asked
from kernels.training.course.stages import Plan, reading_at
from kernels.training.execution.compilation import compiles
from kernels.training.feeding.feed import StepFeed
from kernels.training.feeding.shares import Share
from kernels.training.learner import Learner, Setting, optimizer_of
from kernels.training.optimization.optimizers import Optimizer, OptimizerConfig
from kernels.training.optimization.parameter_groups import ALL
from kernels.training.parallel.team import Team, join
from kernels.training.preflight import check
from kernels.training.samples import can_be_sampled, sample
from kernels.training.trainer import Parts
from kernels.training.validation import PreparedValidation


class Rates(NamedTuple):
    """What the recipe gives or a law derives."""

    learning_rate: float
    batch_size: int
    weight_decay: float
    words: list[str]


class Outline(NamedTuple):
    """How long a training is, how it computes and by whom."""

    rates: Rates
    horizon: Horizon
    plan: Plan
    """Which rows each step reads."""
    setting: Setting
    team: Team
    flops: Flops
    flops_of_pieces: Mapping[int, int] = MappingProxyType({})
    """FLOPs a token of rows that are read in pieces, by their length."""

    def flops_per_token(self, step: int) -> int:
        """Return the FLOPs of a token of a step, counted from 0: the shorter a piece, the less there is to attend to."""
        return self.flops_of_pieces.get(reading_at(step, self.plan).length, self.flops.flops_per_token)


def outline(job: MethodJob, config: TrainingConfig, extent: Extent, flops: Flops) -> Outline:
    """Return how a training over data of some extent is laid out; ``job.say`` is told what a reader should know.

    Args:
        job: tells the device.
        config: of the training.
        extent: of the data.
        flops: of the model, as its speed is told.

    Raises:
        ValueError: processes cannot read as many rows each.
    """
    rates, horizon = rates_of(config, extent)
    compiled, why_not = compiles(config.compile, float(extent.mean_flops_per_token) * horizon.num_tokens, job.device)
    for words in (*rates.words, "" if config.num_steps is not None else horizon.words, why_not):
        if words:
            job.say(words)
    plan = extent.plan(horizon.num_steps, config.all_batch_stages(rates.batch_size))
    setting = Setting(job.device, config.precision, compiled, config.z_loss, config.activation_checkpointing)
    for stage in plan.stages:
        Share(0, job.rank.layout.num_readers).of(stage.batch_size)
    return Outline(rates, horizon, plan, setting, join(job.rank, job.device), flops)


def parts_of(
    job: MethodJob, config: TrainingConfig, told: Outline, learner: Learner, feed: StepFeed, validation: PreparedValidation, tokenizer: Any
) -> Parts:
    """Return all that a training is made of, its model looked at before the first step.

    Raises:
        ValueError: the best validation is to be kept and there is nothing to validate on; see `check`, `sampler_of`.
    """
    if config.keep == "best" and not validation.num_labels:
        raise ValueError("keep: there is nothing to validate on, so that no step would be the best; leave the key out, or hold something out")
    optimizer = _optimizer(config, learner, told.rates.weight_decay)  # first: a dry run is to hold what a step does
    firsts = sorted({stage.first_step for stage in told.plan.stages if stage.first_step < told.horizon.last_step})
    check(learner, config, ((step + 1, feed.batch(step)) for step in firsts), job.say)
    return Parts(
        config=config,
        course=config.course(told.horizon.num_steps, told.rates.learning_rate),
        last_step=told.horizon.last_step,
        learner=learner,
        optimizer=optimizer,
        feed=feed,
        validation=validation,
        flops=told.flops,
        flops_per_token=told.flops_per_token,
        peak_flops=sum(told.team.sums([measure_peak(told.setting.device, config.precision)])),
        samples=sampler_of(learner, tokenizer, config),
    )


def _optimizer(config: TrainingConfig, learner: Learner, weight_decay: float) -> Optimizer:
    """Return what moves the parameters of a model."""
    groups = tuple(config.parameter_groups) or (ALL,)
    settings = OptimizerConfig(optimizer=config.optimizer, betas=config.betas, parameter_groups=groups)
    return optimizer_of(learner, settings, weight_decay)


def rates_of(config: TrainingConfig, extent: Extent) -> tuple[Rates, Horizon]:
    """Return learning rate, batch size and weight decay as the recipe gives them or laws derive them, and how long training is."""
    words: list[str] = []

    def budget(num_tokens: int) -> derived.Budget:
        return derived.Budget(extent.num_parameters, num_tokens, float(extent.flops_per_token or 0), extent.num_output_parameters)

    batch_size = config.batch_size
    if batch_size == "auto":
        found = derived.derive_batch_size("step_law", budget(tokens_asked(config, extent) or 0), extent.row_length)
        batch_size = int(found.value)
        words.append(found.words)
    horizon = find_horizon(config, extent, config.all_batch_stages(batch_size))
    rate = config.learning_rate
    if rate == "auto":
        found = derived.derive_learning_rate("step_law", budget(horizon.num_tokens))
        rate = found.value
        words.append(found.words)
    decay = config.weight_decay
    if decay == "auto":
        found = derived.derive_weight_decay(rate, horizon.num_steps, budget(horizon.num_tokens))
        decay = found.value
        words.append(found.words)
    return Rates(rate, batch_size, decay, words), horizon


def sampler_of(learner: Learner, tokenizer: Any, config: TrainingConfig) -> Any:
    """Return what says how the model goes on from the recipe's beginnings, which one process does that holds all of it.

    Raises:
        ValueError: the model cannot be asked while it trains.
    """
    if not config.samples or not learner.team.is_first:
        return dict[str, str]
    if not can_be_sampled(learner):
        raise ValueError("samples: only causal and prefix decoders of our own modules go on from a beginning while they train; leave the key out")
    if not learner.spread.is_whole:
        raise ValueError(
            "samples: no process holds the whole model, so that none can go on from a beginning; leave the key out, or take other processes"
        )
    return lambda: dict(zip(config.samples, sample(learner, tokenizer, config.samples, config.sample_tokens), strict=True))
