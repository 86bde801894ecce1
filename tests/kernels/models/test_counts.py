"""What a model holds and does, told before it is made, against the model itself."""

from typing import Any

import pytest

from kernels.models.architectures import llama, prefix_decoder
from kernels.models.formats.fast import fresh
from kernels.specs.architectures import AttentionCounts, Counts

VOCAB = 96


def config(**changes: object) -> llama.LlamaConfig:
    shape: dict[str, Any] = {"hidden_size": 32, "num_layers": 3, "num_heads": 4, "num_kv_heads": 2, "intermediate_size": 56}
    return llama.LlamaConfig.model_validate({"kind": "llama", **shape, "max_position_embeddings": 64, "tie_embeddings": True, **changes})


def real(shape: llama.LlamaConfig) -> Any:
    from transformers import LlamaForCausalLM

    return LlamaForCausalLM(llama.build(shape, vocab_size=VOCAB, eos_token_id=0, pad_token_id=3))


@pytest.mark.parametrize("changes", [{}, {"tie_embeddings": False}, {"num_kv_heads": 4}, {"num_layers": 1, "intermediate_size": 40}], ids=str)
def test_parameters_of_llama_are_those_of_the_model(changes: dict[str, object]) -> None:
    shape = config(**changes)
    assert llama.counts(shape, VOCAB).num_parameters == sum(parameter.numel() for parameter in real(shape).parameters())


@pytest.mark.parametrize("positions", ["rope", "alibi", "t5", "learned", "sinusoidal"])
@pytest.mark.parametrize("spec", [llama.SPEC, prefix_decoder.SPEC], ids=lambda spec: spec.name)
def test_parameters_of_our_own_decoders_are_those_of_the_module(spec: Any, positions: str) -> None:
    shape = spec.config.model_validate({**config(positions=positions).model_dump(), "kind": spec.name})
    made = fresh(spec.build(shape, vocab_size=VOCAB, eos_token_id=0, pad_token_id=3), 1)
    assert spec.counts(shape, VOCAB).num_parameters == sum(parameter.numel() for parameter in made.module.parameters())


@pytest.mark.parametrize("changes", [{}, {"tie_embeddings": False}], ids=str)
def test_flops_of_llama_without_the_causal_half_are_those_that_torch_counts(changes: dict[str, object]) -> None:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    shape, length = config(**changes), 16
    model = real(shape)
    model.set_attn_implementation("eager")  # the only one that torch counts on a CPU
    with FlopCounterMode(display=False) as counted:
        model(torch.zeros((2, length), dtype=torch.long), use_cache=False).logits.sum().backward()
    counts = llama.counts(shape, VOCAB)
    whole = counts._replace(attention=tuple(layers._replace(is_causal=False) for layers in counts.attention))
    assert whole.flops_per_token(length) * 2 * length == counted.get_total_flops()


def test_attention_looks_at_half_of_what_is_before_and_no_further_than_its_window() -> None:
    def flops(*layers: AttentionCounts) -> float:
        return Counts(0, 0, layers, 1, 8, 0, 0, 0, 0).attention_flops(100)

    assert flops(AttentionCounts(2, 4, 2, is_causal=False)) == 4 * 2 * 8 * 100
    assert flops(AttentionCounts(2, 4, 2, is_causal=True)) == 4 * 2 * 8 * 50
    assert flops(AttentionCounts(1, 2, 4, is_causal=True, window=10)) == 4 * 8 * (10 - 10 * 10 / 200)
    assert flops(AttentionCounts(1, 2, 4, is_causal=True, window=1000)) == flops(AttentionCounts(1, 2, 4, is_causal=True))
    assert flops() == 0
