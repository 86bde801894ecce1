"""What a model holds and does, told before it is made, against the model itself."""

from typing import Any

import pytest

from kernels.models.architectures import llama, mamba2, modernbert, prefix_decoder, t5
from kernels.models.formats.fast import counts_of, fresh
from kernels.specs.architectures import AttentionCounts, Counts, DecoderCounts, StateCounts

VOCAB, LENGTH = 96, 16
SHAPE: dict[str, Any] = {"hidden_size": 32, "num_layers": 3, "num_heads": 4, "intermediate_size": 56, "max_position_embeddings": 64}
MAMBA: dict[str, Any] = {"hidden_size": 32, "num_layers": 3, "state_size": 24, "head_dim": 8, "num_groups": 2, "chunk_size": 8}
FAMILIES = {
    "llama": (llama.SPEC, {**SHAPE, "num_kv_heads": 2}),
    "modernbert": (modernbert.SPEC, {**SHAPE, "local_attention": 8}),
    "t5": (t5.SPEC, SHAPE),
    "mamba2": (mamba2.SPEC, MAMBA),
}


def built(family: str, **changes: object) -> Any:
    """Return the Transformers config of a small model."""
    spec, shape = FAMILIES[family]
    config = spec.config.model_validate({"kind": family, **shape, "tie_embeddings": True, **changes})
    return spec.build(config, vocab_size=VOCAB, eos_token_id=0, pad_token_id=3)


def told(shape: Any) -> Counts:
    """Return what is told of a model."""
    found = counts_of(shape)
    assert found is not None
    return found


def real(shape: Any) -> Any:
    """Return the model as Transformers' own class."""
    import transformers

    library: Any = transformers
    names = {"llama": "LlamaForCausalLM", "modernbert": modernbert.CLASS, "t5": t5.CLASS, "mamba2": "Mamba2ForCausalLM"}
    return getattr(library, names[shape.model_type])(shape)


def whole(counts: Counts) -> Counts:
    """Return the counts of a model that computes attention of all positions to all."""
    return counts._replace(attention=tuple(layers._replace(is_causal=False, window=None) for layers in counts.attention))


CHANGES: list[tuple[str, dict[str, object]]] = [
    *((family, {"tie_embeddings": tied}) for family in FAMILIES for tied in (True, False)),
    ("llama", {"num_kv_heads": 4}),
    ("llama", {"num_layers": 1, "intermediate_size": 40}),
    ("modernbert", {"num_layers": 1}),
    ("modernbert", {"num_layers": 7, "global_every": 2}),
    ("t5", {"num_layers": 1, "num_heads": 2}),
    ("mamba2", {"num_groups": 1, "conv_kernel": 3, "expand": 3}),
]


@pytest.mark.parametrize(("family", "changes"), CHANGES, ids=str)
def test_parameters_are_those_of_transformers_model(family: str, changes: dict[str, object]) -> None:
    shape = built(family, **changes)
    model = real(shape)
    parameters = {id(parameter): parameter.numel() for parameter in model.parameters()}
    if family == "t5" and not changes.get("tie_embeddings", True):  # Transformers ties T5's in any case; the checkpoint holds both
        parameters[0] = model.lm_head.weight.numel()
    assert told(shape).num_parameters == sum(parameters.values())


@pytest.mark.parametrize(("family", "changes"), CHANGES, ids=str)
def test_parameters_are_those_of_our_module(family: str, changes: dict[str, object]) -> None:
    shape = built(family, **changes)
    assert told(shape).num_parameters == sum(parameter.numel() for parameter in fresh(shape, 1).module.parameters())


@pytest.mark.parametrize("positions", ["rope", "alibi", "t5", "learned", "sinusoidal"])
@pytest.mark.parametrize("spec", [llama.SPEC, prefix_decoder.SPEC], ids=lambda spec: spec.name)
def test_parameters_of_our_own_decoders_are_those_of_the_module(spec: Any, positions: str) -> None:
    config = spec.config.model_validate({"kind": spec.name, **FAMILIES["llama"][1], "tie_embeddings": True, "positions": positions})
    shape = spec.build(config, vocab_size=VOCAB, eos_token_id=0, pad_token_id=3)
    assert told(shape).num_parameters == sum(parameter.numel() for parameter in fresh(shape, 1).module.parameters())
    assert all(layers.is_causal == (spec.name == "llama") for layers in told(shape).attention)


def counted(forward: Any) -> int:
    """Return the FLOPs that torch counts, forwards and backwards."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        forward().sum().backward()
    return counter.get_total_flops()


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("family", ["llama", "modernbert", "t5"])
def test_flops_of_whole_attention_are_those_that_torch_counts_of_transformers_model(family: str, tied: bool) -> None:
    import torch

    shape = built(family, tie_embeddings=tied)
    model = real(shape)
    model.set_attn_implementation("eager")  # the only one that torch counts on a CPU
    rows, num_decoder = 2, 10 if family == "t5" else 0
    tokens = torch.zeros((rows, LENGTH), dtype=torch.long)
    more = {"decoder_input_ids": tokens[:, :num_decoder]} if num_decoder else {}
    assert whole(told(shape)).flops_per_row(LENGTH, num_decoder) * rows == counted(lambda: model(tokens, **more).logits)


def test_flops_of_chunks_of_near_tokens_are_those_that_torch_counts_of_our_module_less_what_lies_beyond_the_window() -> None:
    import torch

    from kernels.models.reading import Reading

    shape, length = built("modernbert"), 64
    module = fresh(shape, 1).module
    tokens = torch.zeros((1, length), dtype=torch.long)
    found = counted(lambda: module(Reading(tokens, tokens), torch.float32) @ module.output_layer()[0].t())
    counts, window, num_local = told(shape), 4, 2
    looked_at, useful = 3 * window, 2 * window - window**2 / length
    assert counts.flops_per_row(length) == found - 3 * 4 * num_local * 32 * length * (looked_at - useful)


@pytest.mark.parametrize("length", [16, 24, 20])
def test_flops_of_states_are_those_that_torch_counts_of_our_module_but_for_its_sums_of_decays_and_the_half_that_is_masked(length: int) -> None:
    import torch

    from kernels.models.reading import Reading

    shape = built("mamba2")
    module = fresh(shape, 1).module
    tokens = torch.zeros((1, length), dtype=torch.long)
    found = counted(lambda: module(Reading(tokens, tokens), torch.float32) @ module.output_layer()[0].t())
    chunk, heads, layers = 8, 8, 3
    computed = -(-length // chunk) * chunk
    sums = 2 * 2 * layers * computed * chunk * heads  # forwards, and once backwards: what is summed over is no parameter
    masked = 3 * layers * computed * chunk * (2 * 24 + heads * 8)
    assert told(shape).flops_per_row(length) == found - sums - masked


def test_the_states_of_a_row_of_one_chunk_are_neither_written_nor_read() -> None:
    states = StateCounts(num_layers=2, num_heads=4, head_width=8, num_groups=1, state_size=16, chunk_size=64)
    assert states.flops(32) == 2 * 32 * 32 * (16 + 32)
    assert states.flops(128) == 2 * 128 * (64 * (16 + 32) + 4 * 32 * 16)


def test_attention_looks_at_half_of_what_is_before_and_no_further_than_its_window() -> None:
    def flops(*layers: AttentionCounts) -> float:
        return Counts(0, 0, layers, 1, 8, 0, 0, 0, 0).attention_flops(100) / 100

    assert flops(AttentionCounts(2, 4, 2, is_causal=False)) == 4 * 2 * 8 * 100
    assert flops(AttentionCounts(2, 4, 2, is_causal=True)) == 4 * 2 * 8 * 50
    assert flops(AttentionCounts(1, 2, 4, is_causal=True, window=10)) == 4 * 8 * (10 - 10 * 10 / 200)
    assert flops(AttentionCounts(1, 2, 4, is_causal=False, window=10)) == 4 * 8 * (20 - 10 * 10 / 100)
    assert flops(AttentionCounts(1, 2, 4, is_causal=True, window=1000)) == flops(AttentionCounts(1, 2, 4, is_causal=True))
    assert flops(AttentionCounts(1, 2, 4, is_causal=False, window=100)) == flops(AttentionCounts(1, 2, 4, is_causal=False))
    assert flops() == 0


def test_a_decoder_apart_is_passed_by_what_it_reads_and_no_row_goes_without_it() -> None:
    decoder = DecoderCounts(num_matmul_parameters=600, num_blocks=1, num_block_activations=0, num_block_activations_float32=0,
                            num_read_activations=0, num_product_outputs=0)  # fmt: skip
    across = AttentionCounts(1, 1, 5, is_causal=False, asks="decoder")
    counts = Counts(1000, 1000, (across,), 1, 8, 0, 0, 0, 0, decoder=decoder)
    assert counts.flops_per_row(10, 4) == 6 * (400 * 10 + 600 * 4) + 3 * 4 * 5 * 4 * 10
    assert counts.flops_per_token(10, 4) == counts.flops_per_row(10, 4) / 14
    with pytest.raises(ValueError, match="0 positions of a decoder apart, and the model has one"):
        counts.flops_per_row(10)
    with pytest.raises(ValueError, match="4 positions of a decoder apart, and the model has none"):
        counts._replace(decoder=None).flops_per_row(10, 4)
