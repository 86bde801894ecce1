"""Decoders of every kind that Transformers has answer as they do by themselves, whether they read in pages or keep states of their own."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from kernels.inference.asking import Asked
from kernels.inference.engines import engine_of, reads_in_pages
from kernels.inference.readers.paged_transformers import PagedTransformers
from kernels.inference.readers.reading import Stretch
from kernels.inference.sampling import Sampling
from kernels.models.formats.checkpoints import LanguageModel
from tests.kernels.models.blocks.test_wrapped import FAMILIES, SIZES, WINDOW, made

EXPERTS = {"num_experts_per_tok": 1}
KINDS: dict[str, tuple[bool, Callable[[], Any]]] = {
    "windows in some layers, capped logits": (True, FAMILIES["windows in some layers, eager attention, capped logits"]),
    "sinks": (True, lambda: made("GptOss", **SIZES, head_dim=8, sliding_window=WINDOW, num_local_experts=2, **EXPERTS)),
    "positions of their own kind": (True, FAMILIES["masks that do not go by positions"]),
    "a convolution": (False, lambda: made("Lfm2", **SIZES, layer_types=["conv", "full_attention"])),
    "chunks": (False, lambda: made("Llama4Text", **SIZES, attention_chunk_size=8)),
    "a bias of a mask": (False, lambda: made("Bloom", vocab_size=64, hidden_size=32, n_layer=2, n_head=4, initializer_range=0.3)),
    "windows that the attention makes": (False, FAMILIES["windows that the attention makes"]),
    "eager attention": (False, FAMILIES["eager attention"]),
}


def lm_of(model: Any) -> LanguageModel:
    return LanguageModel(model, SimpleNamespace(decode=lambda tokens, **_: ""), "cpu")


@pytest.mark.parametrize("kind", KINDS)
def test_each_token_is_the_likeliest_behind_those_before_it(kind: str) -> None:
    in_pages, make = KINDS[kind]
    model: Any = make()
    assert reads_in_pages(lm_of(model)) == in_pages
    prompts = [[3 + (index * 7 + place * 3) % 60 for index in range(length)] for place, length in enumerate((21, 5, 30))]
    answers: dict[int, list[int]] = {}
    asked = [Asked(tokens=prompt, max_new_tokens=8, sampling=Sampling(temperature=0)) for prompt in prompts]
    for piece in engine_of(lm_of(model), most_kept_tokens=512, most_tokens=16).answers(asked):
        assert piece.told is not None
        answers.setdefault(piece.request, []).append(piece.told.token)
    for place, prompt in enumerate(prompts):
        text = [*prompt, *answers[place]]
        with torch.no_grad():
            logits = [model(torch.tensor([text[:until]]), use_cache=False).logits[0, -1] for until in range(len(prompt), len(text))]
        assert all(float(row.max() - row[token]) < 1e-4 for row, token in zip(logits, answers[place], strict=True))


def test_a_model_whose_layers_do_not_all_attend_is_no_model_of_pages() -> None:
    reader = PagedTransformers(made("Lfm2", **SIZES, layer_types=["conv", "full_attention"]), 4)
    with pytest.raises(ValueError, match="1 of its 2 layers attend, and what others keep is not in pages"):
        reader.read([Stretch([3, 4], 0, [0], range(2))])


def test_a_model_that_gives_its_state_in_no_cache_is_refused() -> None:
    model = made("Mamba", vocab_size=64, hidden_size=32, num_hidden_layers=2, state_size=4)
    with pytest.raises(ValueError, match="MambaForCausalLM: keeps what it read in no cache"):
        list(engine_of(lm_of(model), most_kept_tokens=64).answers([Asked(tokens=[3], max_new_tokens=2)]))
