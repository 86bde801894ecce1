"""The memory of a training, against what torch keeps for a backward pass of the module itself."""

from typing import Any

import pytest
import torch

from kernels.models.blocks import cross_entropy
from kernels.models.formats.fast import counts_of, fresh
from kernels.models.reading import Reading
from kernels.specs.architectures import AttentionCounts, Counts
from kernels.specs.families import specs
from kernels.training.costs import memory
from kernels.training.costs.memory import Held, Step, activation_bytes, block_bytes, training_memory
from kernels.training.execution.activations import ActivationMode, apply
from kernels.training.optimization.optimizers import Optimizer, OptimizerConfig
from kernels.training.optimization.parameter_groups import OptimizerName
from tests.held_memory import held_bytes

VOCAB, ROWS = 90, 2
HEADS: dict[str, object] = {"hidden_size": 32, "num_heads": 4, "intermediate_size": 88, "max_position_embeddings": 64}
SHAPES: dict[str, dict[str, object]] = {
    "llama": {**HEADS, "num_kv_heads": 2},
    "modernbert": {**HEADS, "local_attention": 8, "global_every": 2},
    "t5": HEADS,
    "mamba2": {"hidden_size": 40, "head_dim": 20, "state_size": 14, "num_groups": 2, "chunk_size": 8},
}
LENGTHS: dict[str, tuple[int, int]] = {"llama": (32, 0), "modernbert": (32, 0), "t5": (32, 12), "mamba2": (32, 0)}


def built(family: str, num_layers: int) -> Any:
    """Return the Transformers config of a small model."""
    spec = specs("architectures")[family]
    config = spec.config.model_validate({"kind": family, **SHAPES[family], "tie_embeddings": True, "num_layers": num_layers})
    return spec.build(config, vocab_size=VOCAB, eos_token_id=0, pad_token_id=3)


def told(family: str, num_layers: int) -> Counts:
    """Return what is told of it."""
    found = counts_of(built(family, num_layers))
    assert found is not None
    return found


def step_of(family: str, precision: Any) -> Step:
    """Return some rows as a family reads them, on a CPU."""
    num_inputs, num_decoder = LENGTHS[family]
    return Step(ROWS, num_inputs, precision, device="cpu", decoder_length=num_decoder)


def kept(family: str, num_layers: int, dtype: torch.dtype) -> int:
    """Return the bytes that a forward pass of the real module keeps, its parameters not among them."""
    module = fresh(built(family, num_layers), 1).module
    own = {parameter.untyped_storage().data_ptr() for parameter in module.parameters()}
    found: dict[int, Any] = {}

    def keep(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            found[storage.data_ptr()] = storage
        return tensor

    tokens, written = (torch.zeros(ROWS, length, dtype=torch.long) for length in LENGTHS[family])
    apart = (written, written) if LENGTHS[family][1] else (None, None)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        hidden = module(Reading(tokens, tokens, None, *apart), dtype)
    assert hidden.requires_grad
    return sum(storage.nbytes() for storage in found.values())


def growth(family: str, precision: Any) -> tuple[float, int]:
    """Return how many bytes two blocks more (of an encoder-decoder, of either stack) are told to keep, and do."""
    dtype, step = getattr(torch, precision), step_of(family, precision)
    few, more = (activation_bytes(told(family, number), step) for number in (2, 4))
    return more - few, kept(family, 4, dtype) - kept(family, 2, dtype)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("family", ["llama", "modernbert", "t5"])
def test_what_a_block_keeps_is_what_torch_keeps_to_the_byte(family: str, precision: Any) -> None:
    found, real = growth(family, precision)
    assert found == pytest.approx(real, abs=0.01)


def test_what_a_block_with_states_keeps_is_what_torch_keeps_but_for_what_is_made_of_parameters_alone() -> None:
    found, real = growth("mamba2", "bfloat16")
    inner, heads = 80, 4
    casts = 2 * (told("mamba2", 4).num_matmul_parameters - told("mamba2", 2).num_matmul_parameters)
    assert casts == 2 * 2 * 40 * (80 + 136 + heads + 80)
    assert real - found == pytest.approx(2 * 4 * (2 * heads + inner), abs=0.01)
    found, real = growth("mamba2", "float32")
    num_tokens = ROWS * 32
    assert found - real == pytest.approx(2 * (4 * num_tokens * inner - 4 * (2 * heads + inner)), abs=0.01)


@pytest.mark.parametrize("family", SHAPES)
def test_all_that_is_kept_is_told_within_a_tenth(family: str) -> None:
    told_bytes = activation_bytes(told(family, 6), step_of(family, "bfloat16"))
    assert told_bytes == pytest.approx(kept(family, 6, torch.bfloat16), rel=0.1)


def test_on_a_gpu_attention_keeps_its_weights_where_a_bias_learns_alone() -> None:
    here = step_of("t5", "bfloat16")._replace(device="cpu")
    counts = told("t5", 3)
    learning = counts._replace(attention=tuple(layers for layers in counts.attention if layers.has_learned_bias))
    sides: list[Any] = ["inputs", "decoder"]
    for side in sides:
        assert memory._attention_bytes(counts, here._replace(device="cuda"), side) == memory._attention_bytes(learning, here, side) > 0
    assert memory._fused_bytes(counts, here._replace(device="cuda"), "inputs") == 0
    assert memory._fused_bytes(counts, here._replace(device="cuda"), "decoder") > 0, "what looks at the encoder has no bias"
    assert memory._attention_bytes(told("llama", 3), here._replace(device="cuda"), "inputs") == 0


@pytest.mark.parametrize("length", [8, 12, 16, 20, 32])
def test_near_attention_is_cut_into_chunks_where_it_is(length: int) -> None:
    from kernels.models.blocks.nearby import has_chunks

    near = AttentionCounts(1, 1, 8, is_causal=False, window=4)
    assert memory._num_keys(near, length) == (12 if has_chunks(length, 4) else length)


def test_checkpointing_keeps_less_the_more_it_computes_again() -> None:
    counts = told("llama", 12)
    none, selective, full = (activation_bytes(counts, Step(8, 32, "bfloat16", mode)) for mode in ("none", "selective", "full"))
    assert none > selective > full
    around = 8 * 32 * 32 * (2 * 4 + 2)
    casts = 2 * (2 * 32 * 32 + 2 * 32 * 16 + 3 * 32 * 88)
    assert full == around + 12 * 8 * 32 * 32 * 2 + block_bytes(counts, Step(8, 32, "bfloat16")) + casts


@pytest.mark.parametrize("family", SHAPES)
def test_every_family_keeps_less_the_more_it_computes_again(family: str) -> None:
    step = step_of(family, "bfloat16")
    none, selective, full = (activation_bytes(told(family, 12), step._replace(checkpointing=mode)) for mode in ("none", "selective", "full"))
    assert none > selective > full > 12 * step.num_rows * step.row_length * 32 * 2


def held(family: str, num_layers: int, mode: ActivationMode, precision: str) -> int:
    """Return the bytes that stand when the backward pass of the real module begins, its parameters not among them."""
    module = fresh(built(family, num_layers), 1).module
    apply(module.blocks, mode)
    tokens, written = (torch.zeros(ROWS, length, dtype=torch.long) for length in LENGTHS[family])
    apart = (written, written) if LENGTHS[family][1] else (None, None)
    reading = Reading(tokens, tokens, None, *apart)
    return held_bytes(lambda: module(reading, getattr(torch, precision)).float().sum(), [tokens, written, *module.parameters()])


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("mode", ["selective", "full"])
@pytest.mark.parametrize("family", SHAPES)
def test_what_a_block_holds_that_is_computed_again_is_told(family: str, mode: ActivationMode, precision: Any) -> None:
    step = step_of(family, precision)._replace(checkpointing=mode)
    few, more = (activation_bytes(told(family, number), step) for number in (2, 4))
    assert held(family, 4, mode, precision) - held(family, 2, mode, precision) == pytest.approx(
        more - few, abs=512
    )  # ModernBERT's transform counts among the casts


def test_weights_gradients_and_state_are_float32() -> None:
    counts = Counts(1000, 900, (), 1, 4, 0, 0, 0, 10)
    found = training_memory(counts, Step(1, 8, "bfloat16"))
    assert (found.weights, found.gradients, found.optimizer) == (4000, 4000, 8000)
    assert training_memory(counts, Step(1, 8, "bfloat16"), Held(num_averages=5)).averages == 20_000
    assert found.process == 0, "of a GPU tensors alone are told"
    assert training_memory(counts, Step(1, 8, "bfloat16", device="cpu")).standing == found.standing + memory.PROCESS_BYTES["cpu"]
    assert found.total == sum(found)


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
@pytest.mark.parametrize("family", SHAPES)
def test_the_state_of_an_optimizer_is_told(family: str, optimizer: OptimizerName) -> None:
    made = Optimizer(fresh(built(family, 2), 1).module, OptimizerConfig(optimizer=optimizer), 0.1)
    state = sum(tensor.nbytes for name, tensor in made.state().items() if not name.endswith(".step"))
    assert training_memory(told(family, 2), step_of(family, "float32"), Held(optimizer)).optimizer == state


def test_logits_stand_a_chunk_at_a_time() -> None:
    assert memory.LOGITS_OF_CHUNK == cross_entropy.LOGITS_OF_CHUNK
    counts = Counts(0, 0, (), 1, 1, 0, 0, 0, 1 << 13)
    few, many, more = (training_memory(counts, Step(rows, 1024, "bfloat16", device="cpu")).logits for rows in (0, 1, 64))
    assert many - few == 1024 * (1 << 13) * 12 + 2 * 1024
    assert more - many == 2 * 63 * 1024  # the hidden states' gradients alone
