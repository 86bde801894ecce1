"""Pseudo-log-likelihoods: what is masked, in how many rows, and the same numbers as one row at a time."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from kernels.inference.likelihoods.masked import Hidden, pseudo_log_likelihoods
from kernels.models.architectures import modernbert

MASK, NUM_TOKENS = 9, 40
SHORT, LONG = Hidden((1, 2), (5,), (3,)), Hidden((1, 2), (6, 7), (3,))


class Recorded:
    """An encoder that finds token t in place p likelier the larger t + p is, and keeps what it read."""

    config = SimpleNamespace(max_position_embeddings=6)

    def __init__(self) -> None:
        self.rows: list[tuple[int, ...]] = []

    def __call__(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
        self.rows += [tuple(row[mask.bool()].tolist()) for row, mask in zip(input_ids, attention_mask, strict=True)]
        places, tokens = torch.arange(input_ids.shape[1]), torch.arange(NUM_TOKENS)
        return SimpleNamespace(logits=(places[None, :, None] * tokens / 100).expand(len(input_ids), -1, -1))


def asked(model: Any, requests: list[Hidden]) -> list[float]:
    lm: Any = SimpleNamespace(model=model, tokenizer=SimpleNamespace(pad_token_id=0), device="cpu")
    return pseudo_log_likelihoods(lm, requests, MASK)


def test_a_word_is_masked_from_left_to_right_and_words_of_one_length_share_their_first_row() -> None:
    model = Recorded()
    asked(model, [SHORT, SHORT._replace(word=(8,)), LONG])
    assert sorted(model.rows) == sorted([(1, 2, MASK, 3), (1, 2, MASK, MASK, 3), (1, 2, 6, MASK, 3)])


def test_each_token_is_scored_where_it_is_masked_and_a_word_is_their_sum() -> None:
    places = torch.arange(4)[:, None] * torch.arange(NUM_TOKENS) / 100
    logs = places.log_softmax(-1)
    expected = [logs[2, 5], logs[2, 8], logs[2, 6] + logs[3, 7]]
    assert asked(Recorded(), [SHORT, SHORT._replace(word=(8,)), LONG]) == pytest.approx([float(each) for each in expected], abs=1e-5)


def test_a_text_too_long_for_the_model_is_refused() -> None:
    with pytest.raises(ValueError, match="7 tokens, and the model reads 6 at most"):
        asked(Recorded(), [Hidden((1, 2, 3), (5,), (3, 4, 5))])


def encoder() -> Any:
    """Return a small ModernBERT with weights large enough that a fault shows."""
    from transformers import ModernBertForMaskedLM

    sizes = {"hidden_size": 32, "num_layers": 3, "num_heads": 2, "intermediate_size": 48, "max_position_embeddings": 32, "tie_embeddings": True}
    config = modernbert.ModernBertConfig.model_validate({"kind": "modernbert", "local_attention": 4, **sizes})
    torch.manual_seed(0)
    model = ModernBertForMaskedLM(modernbert.build(config, vocab_size=NUM_TOKENS, eos_token_id=0, pad_token_id=0)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(4.0)
    return model


def test_rows_padded_together_give_what_each_gives_alone() -> None:
    model = encoder()
    requests = [SHORT, LONG, Hidden(tuple(range(1, 20)), (30, 31, 32), (4, 5)), Hidden((), (12,), tuple(range(20, 30)))]
    alone = [asked(model, [request])[0] for request in requests]
    assert max(alone) - min(alone) > 1
    assert asked(model, requests) == pytest.approx(alone, rel=0.02, abs=0.05)


def test_a_word_is_judged_by_what_stands_behind_it_too() -> None:
    model = encoder()
    before, other = asked(model, [LONG, LONG._replace(behind=(4,))])
    assert abs(before - other) > 0.05
