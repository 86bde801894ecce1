"""A text's vector is the mean of its tokens' last hidden states, whatever other texts pass beside it."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import BertConfig, BertForMaskedLM

from kernels.inference.pooled import mean_pooled
from kernels.models.formats.checkpoints import LanguageModel


def encoder() -> LanguageModel:
    torch.manual_seed(0)
    shape = BertConfig(vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, max_position_embeddings=9)
    tokenizer: Any = SimpleNamespace(pad_token_id=0)
    return LanguageModel(BertForMaskedLM(shape).eval(), tokenizer, "cpu")


def test_texts_of_several_lengths_are_each_what_they_are_alone() -> None:
    lm, texts = encoder(), [[3], [4, 5, 6, 7, 8], [9, 10]]
    with torch.inference_mode():
        alone = [lm.model.base_model(torch.tensor([text])).last_hidden_state[0].mean(0).tolist() for text in texts]
    for found, expected in zip(mean_pooled(lm, texts), alone, strict=True):
        assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("text", [[], [1] * 10])
def test_a_text_that_is_empty_or_too_long_is_refused(text: list[int]) -> None:
    with pytest.raises(ValueError, match=f"a text has {len(text)} tokens, and the model reads from 1 to 9"):
        mean_pooled(encoder(), [text])
