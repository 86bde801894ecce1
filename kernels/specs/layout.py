"""How a training is spread over processes: where it runs, never what it computes, so that no fingerprint holds it."""

from math import prod
from typing import Literal, NamedTuple, Self, get_args

from pydantic import Field, model_validator

from kernels.specs.config import Config, fault_of_key
from kernels.specs.extras import Extra

Axis = Literal["pipeline", "data", "shard", "context", "tensor"]
"""Ways in which processes differ: those of ``pipeline`` have different blocks; ``data`` and ``shard`` read different rows, those of ``context`` have
different positions of the same rows, and those of ``shard`` and ``context`` hold a model in pieces between them; those of ``tensor`` compute
different heads and neurons of a block, and have different positions elsewhere."""
AXES: tuple[Axis, ...] = ("pipeline", "data", "shard", "context", "tensor")
"""Outermost first: neighbours by number, who talk most, differ in the last."""
PIPELINE: tuple[Axis, ...] = ("pipeline",)
COPIES: tuple[Axis, ...] = ("data",)
"""Whose processes hold the same."""
HOLDING: tuple[Axis, ...] = ("shard", "context")
"""Whose processes hold different pieces where ``zero`` says so, and the same elsewhere."""
CONTEXT: tuple[Axis, ...] = ("context",)
TENSOR: tuple[Axis, ...] = ("tensor",)
POSITIONS: tuple[Axis, ...] = (*CONTEXT, *TENSOR)
"""Whose processes have different positions of the same rows."""
READERS: tuple[Axis, ...] = ("data", "shard")
"""Whose processes read different rows."""
Schedule = Literal["gpipe", "1f1b", "interleaved"]
Elsewhere = Literal["megatron", "bmtrain"]
ELSEWHERE: tuple[Elsewhere, ...] = get_args(Elsewhere)
"""Trainers that run on machines of their own: what they need is written for them, and what they trained is brought back."""
BackEnd = Literal["modelmill", "accelerate", "deepspeed", Elsewhere]
DEEPSPEED, BY_DEEPSPEED = Extra("deepspeed", "deepspeed"), "trainings by DeepSpeed"


class Layout(Config):
    """Processes, and what each holds, reads and computes."""

    processes: int = Field(default=1, ge=1)
    """Processes at work together, each on a device of its own, or on its share of the cores."""
    tensor: int = Field(default=1, ge=1)
    """Processes that compute a block together, each some of its heads and neurons (Shoeybi et al. 2019, arXiv 1909.08053), and have the positions
    of a row parted between them elsewhere (Korthikanti et al. 2022, arXiv 2205.05198)."""
    context: int = Field(default=1, ge=1)
    """Processes that have the positions of a row parted between them for all of a model, and meet in attention: a ring of keys (Liu et al. 2023,
    arXiv 2310.01889)."""
    pipeline: int = Field(default=1, ge=1)
    """Processes that have different blocks of the model and pass the parts of a step on (Huang et al. 2019, arXiv 1811.06965)."""
    schedule: Schedule = "1f1b"
    """In which order parts pass a pipeline: see kernels/training/parallel/schedules.py."""
    stages: int | None = Field(default=None, ge=2)
    """Stages that each process of an interleaved pipeline holds. Left out, 2."""
    micro_batches: int | None = Field(default=None, ge=1)
    """Parts that the rows of a process pass a pipeline in, at least. Left out, two for each of its processes."""
    zero: Literal[0, 1, 2, 3] = 0
    """What processes hold in pieces in place of copies (ZeRO: Rajbhandari et al. 2020, arXiv 1910.02054): nothing; the optimizer's state; gradients
    too; weights too, of a pipeline those of its blocks."""
    shard: int | None = Field(default=None, ge=2)
    """Processes that read rows of their own and hold a model in pieces between them, with those of their ``context``, where ``zero`` is 1 or more;
    others hold the same pieces again. Left out, all."""
    offload: Literal["none", "optimizer", "parameters"] = "none"
    """What waits in the machine's memory rather than on the device: nothing; the optimizer's state and the weights that it moves; or all weights but
    those of the blocks at work, too."""
    back_end: BackEnd = "modelmill"
    """Who wraps the model: this trainer; Hugging Face's accelerate, by its DDP, or its FSDP2 where ``zero`` is 3; or DeepSpeed, by its own ``zero`` 1
    to 3. What is computed is the same. Or who trains it: Megatron-LM or BMTrain, for which ``mill launch`` writes what it needs."""

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        size = 1
        for key in ("tensor", "context", "pipeline"):
            size *= getattr(self, key)
            if self.processes % size:
                raise fault_of_key(key, f"{self.processes} processes are no whole number of groups of {size}; change one of them")
        if self.offload == "parameters" and self.zero != 3:
            raise fault_of_key("offload", "weights wait elsewhere in pieces alone; give 'zero: 3' too, or take offload: optimizer")
        for key in ("stages", "micro_batches"):
            if self.pipeline == 1 and getattr(self, key) is not None:
                raise fault_of_key(key, "it is of a pipeline; give 'pipeline' too, or leave the key out")
        if self.stages is not None and self.schedule != "interleaved":
            raise fault_of_key("stages", f"a process of a pipeline by {self.schedule} holds one; take schedule: interleaved, or leave the key out")
        if self.shard is not None and not self.zero:
            raise fault_of_key("shard", "pieces are for zero: 1, 2 or 3; give 'zero' too, or leave the key out")
        if self.shard is not None and self.num_copies % self.shard:
            told = f"{self.num_copies} copies of the model are no whole number of groups of {self.shard}"
            raise fault_of_key("shard", f"{told}; take a divisor of {self.num_copies}")
        if self.zero and self.num_copies * self.context == 1:
            raise fault_of_key("zero", "there is one copy of the model, which nobody shares; give more 'processes', or leave the key out")
        return self

    @model_validator(mode="after")
    def _back_end_does_it(self) -> Self:
        if self.back_end not in ("accelerate", "deepspeed"):
            return self
        ours = "leave the key out, or take back_end: modelmill"
        for key in ("tensor", "context", "pipeline"):
            if getattr(self, key) > 1:
                raise fault_of_key(key, f"{self.back_end} has copies of a model or pieces of it here, and parts nothing else; {ours}")
        if self.back_end == "deepspeed":
            if self.zero == 0:
                raise fault_of_key("zero", "DeepSpeed is here for what it holds in pieces; give zero: 1, 2 or 3, or take back_end: modelmill")
            if self.shard not in (None, self.num_copies):
                raise fault_of_key("shard", f"DeepSpeed's pieces are of all processes; {ours}")
            return self
        if self.zero in (1, 2):
            raise fault_of_key("zero", f"accelerate has stage {self.zero} by DeepSpeed alone; take back_end: deepspeed, or zero: 3")
        if self.offload == "optimizer":
            raise fault_of_key("offload", f"accelerate moves weights where they are; take offload: parameters with zero: 3, {ours}")
        return self

    @property
    def num_copies(self) -> int:
        """Processes, or groups of them, that have a model each, whole or in pieces that others hold too, and rows of their own."""
        return self.processes // (self.tensor * self.context * self.pipeline)

    @property
    def stages_per_process(self) -> int:
        """Stages of a pipeline that a process holds."""
        return (self.stages or 2) if self.schedule == "interleaved" else 1

    @property
    def num_parts(self) -> int:
        """Parts that the rows of a process pass the model in, at least."""
        return (self.micro_batches or 2 * self.pipeline) if self.pipeline > 1 else 1

    def size(self, axis: Axis) -> int:
        """Return how many processes differ in an axis alone."""
        shard = (self.shard or self.num_copies) if self.zero else 1
        sizes = (self.pipeline, self.num_copies // shard, shard, self.context, self.tensor)
        return dict(zip(AXES, sizes, strict=True))[axis]

    @property
    def num_readers(self) -> int:
        """Processes, or groups of them, that read different rows of a step."""
        return prod(map(self.size, READERS))


class Rank(NamedTuple):
    """One of the processes of a job, and where it meets the others."""

    layout: Layout = Layout()
    number: int = 0
    """From 0 to ``layout.processes`` - 1."""
    meeting: str = ""
    """Where all processes find each other, as ``torch.distributed`` is told: ``file:///PATH`` or ``tcp://HOST:PORT``. One process needs none."""


ALONE = Rank()
"""One process that does all."""
