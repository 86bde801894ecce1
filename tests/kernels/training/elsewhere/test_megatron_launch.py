"""What Megatron-LM is told: arguments that it has, which go together there, and mean what the recipe says."""

import argparse
from typing import Any

import pytest

from kernels.models.blocks.decoder import DecoderShape
from kernels.specs.layout import Layout
from kernels.training.course.schedules import ScheduleConfig, learning_rate_at
from kernels.training.elsewhere.launch import Launch, Place
from kernels.training.elsewhere.megatron import describe, micro_batch_size
from tests.kernels.training.elsewhere.launches import STACK, asked

FLAGS = [
    "swiglu",
    "disable-bias-linear",
    "untie-embeddings-and-output-weights",
    "group-query-attention",
    "bf16",
    "fp16",
    "sequence-parallel",
    "use-distributed-optimizer",
    "use-torch-fsdp2",
    "torch-fsdp2-no-reshard-after-forward",
    "no-gradient-accumulation-fusion",
    "optimizer-cpu-offload",
    "use-precision-aware-optimizer",
]
INTEGERS = [
    "num-layers",
    "hidden-size",
    "ffn-hidden-size",
    "num-attention-heads",
    "kv-channels",
    "num-query-groups",
    "seq-length",
    "max-position-embeddings",
    "rotary-base",
    "vocab-size",
    "make-vocab-size-divisible-by",
    "train-iters",
    "seed",
    "lr-decay-iters",
    "lr-warmup-iters",
    "lr-wsd-decay-iters",
    "exit-interval",
    "micro-batch-size",
    "global-batch-size",
    "recompute-num-layers",
    "tensor-model-parallel-size",
    "context-parallel-size",
    "pipeline-model-parallel-size",
    "num-virtual-stages-per-pipeline-rank",
    "num-distributed-optimizer-instances",
    "eval-interval",
    "eval-iters",
    "save-interval",
    "log-interval",
]
NUMBERS = ["norm-epsilon", "attention-dropout", "hidden-dropout", "lr", "min-lr", "adam-beta1", "adam-beta2", "adam-eps", "weight-decay", "clip-grad"]
CHOICES = {
    "position-embedding-type": ["learned_absolute", "rope", "mrope", "relative", "none"],
    "normalization": ["LayerNorm", "RMSNorm"],
    "optimizer": ["adam", "sgd", "muon", "dist_muon"],
    "lr-decay-style": ["constant", "linear", "cosine", "inverse-square-root", "WSD"],
    "lr-wsd-decay-style": ["exponential", "linear", "cosine", "minus_sqrt"],
    "recompute-granularity": ["full", "selective"],
    "recompute-method": ["uniform", "block"],
    "ckpt-format": ["torch", "torch_dist", "zarr", "torch_dcp", "fsdp_dtensor"],
    "tokenizer-type": ["GPT2BPETokenizer", "HuggingFaceTokenizer", "NullTokenizer"],
}
WORDS = ["load", "save", "pretrained-checkpoint", "dist-ckpt-strictness"]
"""Of megatron/training/arguments.py at commit 000c4ac24f61159c138b0975def722c65245983c of NVIDIA/Megatron-LM, by what each takes."""
PLACE = Place("start", [(0.75, "data/train_0"), (0.25, "data/train_1")], "data/validation", "trained")


def parsed(launch: Launch) -> argparse.Namespace:
    """The arguments as a parser with those of Megatron takes them, which knows no others."""
    parser = argparse.ArgumentParser(allow_abbrev=False, exit_on_error=False)
    for name in FLAGS:
        parser.add_argument(f"--{name}", action="store_true")
    for names, kind in ((INTEGERS, int), (NUMBERS, float), (WORDS, str)):
        for name in names:
            parser.add_argument(f"--{name}", type=kind)
    for name, choices in CHOICES.items():
        parser.add_argument(f"--{name}", choices=choices)
    for name in ("train-data-path", "valid-data-path"):
        parser.add_argument(f"--{name}", nargs="*")
    return parser.parse_args(list(launch.command[launch.command.index("$MEGATRON_LM/pretrain_gpt.py") + 1 :]))


def told(layout: Layout | None = None, **changes: Any) -> argparse.Namespace:
    return parsed(describe(asked(layout, **changes), PLACE))


def test_the_model_is_the_recipes() -> None:
    found = told()
    assert (found.num_layers, found.hidden_size, found.ffn_hidden_size, found.num_attention_heads, found.num_query_groups) == (8, 64, 128, 8, 4)
    assert found.swiglu and found.disable_bias_linear and found.untie_embeddings_and_output_weights and found.group_query_attention
    assert (found.normalization, found.norm_epsilon, found.position_embedding_type, found.rotary_base) == ("RMSNorm", 1e-6, "rope", 10_000)
    assert (found.seq_length, found.attention_dropout, found.hidden_dropout) == (64, 0.0, 0.0)
    assert found.vocab_size + 1 == 300, "NullTokenizer counts an end of text beside them"
    assert not told(stack=STACK._replace(tied=True)).untie_embeddings_and_output_weights


def test_learning_is_the_recipes() -> None:
    found = told(betas=(0.8, 0.9), stop_after_steps=12, activation_checkpointing="full")
    assert (found.train_iters, found.exit_interval, found.lr_decay_iters, found.lr_warmup_iters) == (20, 12, 20, 4)
    assert (found.lr, found.min_lr, found.weight_decay, found.clip_grad) == (0.01, 0.001, 0.1, 1.0)
    assert (found.adam_beta1, found.adam_beta2, found.adam_eps, found.seed, found.lr_decay_style) == (0.8, 0.9, 1e-8, 7, "cosine")
    assert (found.recompute_granularity, found.recompute_method, found.recompute_num_layers) == ("full", "uniform", 1)
    assert (found.bf16, found.fp16, told(precision="float16").fp16, told(precision="float32").bf16) == (True, False, True, False)
    assert (found.eval_interval, found.eval_iters, found.save_interval) == (10, 3, 5)
    assert found.train_data_path == ["0.75", "data/train_0", "0.25", "data/train_1"] and found.valid_data_path == ["data/validation"]


RATES = {
    "cosine": [0.01, 0.0099135, 0.0096575, 0.0092416, 0.008682, 0.0080001, 0.0072221, 0.0063779, 0.0055, 0.0046221],
    "linear": [0.01, 0.0094375, 0.008875, 0.0083125, 0.00775, 0.0071875, 0.006625, 0.0060625, 0.0055, 0.0049375],
    "warmup_stable_decay": [*[0.01] * 12, 0.0059751, 0.0043079, 0.0030286, 0.0019502],
}
"""From the fifth step on, of OptimizerParamScheduler of megatron-core 0.16.1: 4 of warm-up, 20 in all, .01 to .001, 5 of decay by minus_sqrt."""


@pytest.mark.parametrize("kind", RATES)
def test_behind_the_warm_up_megatron_learns_at_our_rates(kind: Any) -> None:
    share = {"decay_share": 0.25} if kind == "warmup_stable_decay" else {}
    config = asked(schedule=ScheduleConfig(kind=kind, **share)).config
    course = config.course(20, 0.01)
    ours = [learning_rate_at(step, course) for step in range(4, 4 + len(RATES[kind]))]
    assert ours == pytest.approx(RATES[kind], abs=1e-6)
    found = told(schedule=config.schedule)
    if kind == "warmup_stable_decay":
        assert (found.lr_decay_style, found.lr_wsd_decay_style, found.lr_wsd_decay_iters) == ("WSD", "minus_sqrt", 5)
    else:
        assert found.lr_decay_style == kind


@pytest.mark.parametrize(
    ("layout", "wanted"),
    [
        (Layout(processes=8), {}),
        (Layout(processes=8, tensor=2), {"tensor_model_parallel_size": 2, "sequence_parallel": True}),
        (Layout(processes=8, context=2), {"context_parallel_size": 2}),
        (Layout(processes=8, pipeline=2), {"pipeline_model_parallel_size": 2, "micro_batch_size": 1, "num_virtual_stages_per_pipeline_rank": None}),
        (
            Layout(processes=2, pipeline=2, schedule="interleaved"),
            {"pipeline_model_parallel_size": 2, "num_virtual_stages_per_pipeline_rank": 2, "micro_batch_size": 4},
        ),
        (Layout(processes=8, zero=1), {"use_distributed_optimizer": True, "num_distributed_optimizer_instances": None}),
        (Layout(processes=8, zero=1, shard=4), {"use_distributed_optimizer": True, "num_distributed_optimizer_instances": 2}),
        (Layout(processes=8, zero=3), {"use_torch_fsdp2": True, "torch_fsdp2_no_reshard_after_forward": False, "use_distributed_optimizer": False}),
        (Layout(processes=8, zero=2), {"use_torch_fsdp2": True, "torch_fsdp2_no_reshard_after_forward": True}),
        (Layout(processes=8, zero=1, offload="optimizer"), {"optimizer_cpu_offload": True, "use_precision_aware_optimizer": True}),
    ],
)
def test_a_layout_is_told_by_megatrons_arguments(layout: Layout, wanted: dict[str, Any]) -> None:
    launch = describe(asked(layout), PLACE)
    found = vars(parsed(launch))
    assert {name: found[name] for name in wanted} == wanted
    assert launch.command[:4] == ("torchrun", "--standalone", "--nproc-per-node", str(layout.processes))
    single = (layout.tensor > 1 or layout.context > 1) and layout.zero < 2
    assert launch.environment == ({"CUDA_DEVICE_MAX_CONNECTIONS": "1"} if single else {}), "as validate_args asks for, and FSDP2 forbids"


def test_several_nodes_meet_where_the_shell_says() -> None:
    launch = describe(asked(Layout(processes=16))._replace(nodes=2), PLACE)
    assert launch.command[:9] == ("torchrun", "--nnodes", "2", "--nproc-per-node", "8", "--rdzv-backend", "c10d", "--rdzv-endpoint", "$MEETING")
    assert '--rdzv-endpoint "$MEETING"' in launch.shell.replace("\\\n  ", "") and "--bf16" in launch.shell


def test_rows_pass_in_as_many_parts_as_a_pipeline_asks_for() -> None:
    assert micro_batch_size(asked(Layout(processes=2))) == 8
    assert micro_batch_size(asked(Layout(processes=2), micro_batch_size=3)) == 2
    assert micro_batch_size(asked(Layout(processes=4, pipeline=4))) == 2
    with pytest.raises(ValueError, match="16 rows cannot be shared alike by 3 copies of the model; take a multiple of 3"):
        micro_batch_size(asked(Layout(processes=3)))


@pytest.mark.parametrize(
    ("layout", "stack", "changes", "words"),
    [
        (Layout(), STACK, {"objective": "fill_in_the_middle"}, "the objective is fill_in_the_middle"),
        (Layout(), STACK._replace(positions="alibi"), {}, "take architecture llama with positions: rope"),
        (Layout(), STACK, {"optimizer": "muon"}, "optimizer muon is ours; take adamw"),
        (Layout(), STACK, {"z_loss": 1e-4}, "z_loss is ours"),
        (Layout(), STACK, {"keep": "best"}, "keep: best is ours"),
        (Layout(processes=3, pipeline=3), STACK, {}, "8 layers are no multiple of 3 stages"),
        (Layout(processes=8, tensor=8), STACK, {}, "tensor 8 does not divide 4 key heads"),
        (Layout(processes=2, pipeline=2, schedule="gpipe"), STACK, {}, "schedule gpipe is ours"),
        (Layout(processes=3, context=3), STACK, {}, "rows of 64 tokens are no multiple of twice context 3"),
        (Layout(processes=4, pipeline=2, zero=3), STACK, {}, "zero 2 and 3 go with no pipeline"),
        (Layout(processes=4, zero=3), STACK._replace(tied=True), {}, "take tie_embeddings: false or zero: 1"),
        (Layout(processes=4, zero=3), STACK, {"precision": "float16"}, "go with no float16"),
        (Layout(processes=4, zero=3, shard=2), STACK, {}, "shard is of zero: 1 there"),
        (Layout(processes=4, offload="optimizer"), STACK, {}, "offload: optimizer asks for zero: 1 there"),
        (Layout(processes=4, zero=3, offload="parameters"), STACK, {}, "offload: parameters is ours"),
    ],
)
def test_what_megatron_cannot_do_is_refused_with_what_can_be_done(layout: Layout, stack: DecoderShape, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=f"Megatron-LM cannot train this as asked: .*{words}"):
        describe(asked(layout, stack, **changes), PLACE)
