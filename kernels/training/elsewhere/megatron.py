"""Megatron-LM (Shoeybi et al. 2019, arXiv 1909.08053): the arguments of its ``pretrain_gpt.py`` for a training of ours.

Names, choices and what goes together are those of megatron/training/arguments.py at commit 000c4ac2 of NVIDIA/Megatron-LM, rates those of
core/optimizer_param_scheduler.py of megatron-core 0.16.1. It trains on CUDA alone.
"""

from kernels.training.course.schedules import DECAY_SHAPE, first_decayed_step
from kernels.training.elsewhere.launch import Asked, Launch, Place, common_faults, refuse, torchrun

VOCABULARY_MULTIPLE = 128
"""Rows of the embedding that each process has a multiple of: Megatron's default."""
NEEDS = ("CUDA", "megatron", "transformer_engine")
NOTES = (
    "Megatron puts the documents in an order of its own and cuts the stream of them into rows, whose documents see each other.",
    "A step of the warm-up has the rate that our trainer gives the step before it; from the warm-up's end on rates are the same.",
    "Weight decay is of the embedding and the output layer too.",
    "A step whose loss or gradient is far off is taken like any other; samples and tensor statistics are left out.",
)


def describe(asked: Asked, place: Place) -> Launch:
    """Return how Megatron-LM is started.

    Raises:
        ValueError: it cannot do what is asked (says what, and what can be done).
    """
    layout = asked.layout
    refuse(_faults(asked), "Megatron-LM")
    arguments = [*_model(asked), *_learning(asked), *_batches(asked), *_layout(asked), *_files(asked, place)]
    fully_sharded = layout.zero >= 2
    parted = (layout.tensor > 1 or layout.context > 1) and not fully_sharded
    environment = {"CUDA_DEVICE_MAX_CONNECTIONS": "1"} if parted else {}
    command = (*torchrun(asked), "$MEGATRON_LM/pretrain_gpt.py", *arguments)
    return Launch(command, environment, {}, NEEDS, NOTES)


def micro_batch_size(asked: Asked) -> int:
    """Return how many rows pass the model together: as many as may, in no fewer parts than the pipeline asks for.

    Raises:
        ValueError: no number of parts serves an interleaved pipeline, which asks for a multiple of its processes.
    """
    rows, layout = asked.rows_of_each, asked.layout
    multiple = layout.pipeline if layout.schedule == "interleaved" else 1
    most = asked.config.micro_batch_size or rows
    for size in range(min(rows, most), 0, -1):
        parts = rows // size
        if rows % size == 0 and parts >= min(layout.num_parts, rows) and parts % multiple == 0:
            return size
    raise ValueError(f"batch_size: {rows} rows of a copy are no multiple of pipeline {layout.pipeline}, as interleaved asks for; take one")


def _faults(asked: Asked) -> dict[str, bool]:
    stack, layout = asked.stack, asked.layout
    parts = layout.pipeline * layout.stages_per_process
    interleaved = layout.pipeline > 1 and layout.schedule == "interleaved"
    return {
        **common_faults(asked),
        "rope_theta must be a whole number": stack.theta != int(stack.theta),
        f"{stack.num_layers} layers are no multiple of {parts} stages; change 'pipeline' or 'stages'": stack.num_layers % parts > 0,
        f"tensor {layout.tensor} does not divide {stack.num_kv_heads} key heads and {stack.inner_width} neurons; lower it": (
            stack.num_kv_heads % layout.tensor + stack.inner_width % layout.tensor > 0
        ),
        "schedule gpipe is ours; take 1f1b or interleaved": layout.pipeline > 1 and layout.schedule == "gpipe",
        "an interleaved pipeline has two processes and one stage each; take 'stages' of 2 or more": interleaved and layout.stages_per_process < 2,
        f"rows of {asked.row_length} tokens are no multiple of twice context {layout.context}; change sequence_length or 'context'": (
            layout.context > 1 and asked.row_length % (2 * layout.context) > 0
        ),
        "zero 2 and 3 go with no pipeline; take zero: 1": layout.zero >= 2 and layout.pipeline > 1,
        "zero 2 and 3 ask for an output layer of its own; take tie_embeddings: false or zero: 1": layout.zero >= 2 and stack.tied,
        "zero 2 and 3 go with no float16; take bfloat16 or zero: 1": layout.zero >= 2 and asked.config.precision == "float16",
        "shard is of zero: 1 there; leave it out": layout.zero >= 2 and layout.size("data") > 1,
        "offload: optimizer asks for zero: 1 there; add it": layout.offload == "optimizer" and layout.zero != 1,
    }


def _model(asked: Asked) -> list[str]:
    stack = asked.stack
    found = [
        *("--num-layers", str(stack.num_layers), "--hidden-size", str(stack.width), "--ffn-hidden-size", str(stack.inner_width)),
        *("--num-attention-heads", str(stack.num_heads), "--kv-channels", str(stack.head_width)),
        *("--group-query-attention", "--num-query-groups", str(stack.num_kv_heads)),
        *("--seq-length", str(asked.row_length), "--max-position-embeddings", str(max(stack.max_positions, asked.row_length))),
        *("--position-embedding-type", "rope", "--rotary-base", str(int(stack.theta))),
        *("--normalization", "RMSNorm", "--norm-epsilon", repr(stack.eps), "--swiglu", "--disable-bias-linear"),
        *("--attention-dropout", "0.0", "--hidden-dropout", "0.0"),
        *("--tokenizer-type", "NullTokenizer", "--vocab-size", str(stack.vocab_size - 1)),  # it counts an end of text beside them
        *("--make-vocab-size-divisible-by", str(VOCABULARY_MULTIPLE)),
    ]
    return found if stack.tied else [*found, "--untie-embeddings-and-output-weights"]


def _learning(asked: Asked) -> list[str]:
    config, (rate, _, decay, _), steps = asked.config, asked.rates, asked.horizon.num_steps
    course = config.course(steps, rate)
    found = [
        *("--train-iters", str(steps), "--seed", str(config.seed), "--optimizer", "adam", "--lr", repr(rate)),
        *("--min-lr", repr(rate * config.min_learning_rate_ratio), "--lr-decay-iters", str(steps), "--lr-warmup-iters", str(config.warmup_steps)),
        *("--adam-beta1", repr(config.betas[0]), "--adam-beta2", repr(config.betas[1]), "--adam-eps", "1e-08"),
        *("--weight-decay", repr(decay), "--clip-grad", repr(config.gradient_clip)),
    ]
    if config.schedule.kind == "warmup_stable_decay":
        shape = {"linear": "linear", "one_minus_sqrt": "minus_sqrt"}[config.schedule.decay_shape or DECAY_SHAPE]
        found += ["--lr-decay-style", "WSD", "--lr-wsd-decay-style", shape, "--lr-wsd-decay-iters", str(steps - first_decayed_step(course))]
    else:
        found += ["--lr-decay-style", config.schedule.kind]
    if asked.horizon.last_step < steps:
        found += ["--exit-interval", str(asked.horizon.last_step)]
    return found


def _batches(asked: Asked) -> list[str]:
    precision = {"float32": [], "bfloat16": ["--bf16"], "float16": ["--fp16"]}[asked.config.precision]
    kept = {
        "none": [],
        "selective": ["--recompute-granularity", "selective"],
        "full": ["--recompute-granularity", "full", "--recompute-method", "uniform", "--recompute-num-layers", "1"],
    }[asked.config.activation_checkpointing]
    sizes = ["--micro-batch-size", str(micro_batch_size(asked)), "--global-batch-size", str(asked.rates.batch_size)]
    return [*sizes, *precision, *kept]


def _layout(asked: Asked) -> list[str]:
    layout = asked.layout
    found: list[str] = []
    if layout.tensor > 1:
        found += ["--tensor-model-parallel-size", str(layout.tensor), "--sequence-parallel"]
    if layout.context > 1:
        found += ["--context-parallel-size", str(layout.context)]
    if layout.pipeline > 1:
        found += ["--pipeline-model-parallel-size", str(layout.pipeline)]
    if layout.pipeline > 1 and layout.schedule == "interleaved":
        found += ["--num-virtual-stages-per-pipeline-rank", str(layout.stages_per_process)]
    if layout.zero == 1:
        found += ["--use-distributed-optimizer"]
        if (instances := layout.size("data")) > 1:
            found += ["--num-distributed-optimizer-instances", str(instances)]
    if layout.zero >= 2:
        found += ["--use-torch-fsdp2", "--no-gradient-accumulation-fusion"]
    if layout.zero == 2:
        found += ["--torch-fsdp2-no-reshard-after-forward"]
    if layout.offload == "optimizer":
        found += ["--optimizer-cpu-offload", "--use-precision-aware-optimizer"]
    return found


def _files(asked: Asked, place: Place) -> list[str]:
    config = asked.config
    blend = [word for share, name in place.train for word in (repr(share), name)]
    held = ["--valid-data-path", place.validation] if place.validation is not None else []
    looked_at = min(config.max_validation_sequences, asked.num_validation_rows) if held else 0
    return [
        *("--train-data-path", *blend, *held),
        *("--eval-interval", str(config.validate_every), "--eval-iters", str(-(-looked_at // asked.rates.batch_size))),
        *("--load", place.trained, "--pretrained-checkpoint", place.start, "--dist-ckpt-strictness", "log_all"),
        *("--save", place.trained, "--save-interval", str(config.checkpoint_every), "--ckpt-format", "torch_dist", "--log-interval", "1"),
    ]
