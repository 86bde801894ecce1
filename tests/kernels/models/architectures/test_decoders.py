"""Causal and prefix decoders: equal to Transformers on the same weights, blind to what they may not see, the same alone and packed."""

from pathlib import Path
from typing import Any

import pytest
import torch

from kernels.models.architectures import llama, prefix_decoder
from kernels.models.blocks.decoder import read_on
from kernels.models.formats.fast import fast_of, fresh, taken, write
from kernels.models.reading import Reading
from tests.small_models import shaken

VOCABULARY = 61
POSITIONS = ["rope", "alibi", "t5", "learned", "sinusoidal"]


def shape(positions: str = "rope", *, tied: bool = False, kv_heads: int = 2, attention: str = "causal") -> Any:
    spec, kind = (llama, "llama") if attention == "causal" else (prefix_decoder, "prefix_decoder")
    config = spec.SPEC.config.model_validate(
        {
            "kind": kind,
            "hidden_size": 32,
            "num_layers": 2,
            "num_heads": 4,
            "num_kv_heads": kv_heads,
            "intermediate_size": 48,
            "max_position_embeddings": 64,
            "tie_embeddings": tied,
            "positions": positions,
        }
    )
    return spec.build(config, vocab_size=VOCABULARY, eos_token_id=1, pad_token_id=0)  # pyright: ignore[reportArgumentType]


def logits(module: Any, tokens: torch.Tensor, segments: torch.Tensor | None = None, prefix: torch.Tensor | None = None) -> torch.Tensor:
    reading = Reading(tokens, torch.zeros_like(tokens) if segments is None else segments, prefix)
    weight, _ = module.output_layer()
    return module(reading, torch.float32) @ weight.t()


def words(rows: int = 2, length: int = 16) -> torch.Tensor:
    return torch.randint(2, VOCABULARY, (rows, length), generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize(("tied", "kv_heads"), [(False, 4), (False, 2), (True, 1)])
def test_a_llama_gives_the_logits_of_transformers_on_the_same_weights_both_ways(tmp_path: Path, tied: bool, kv_heads: int) -> None:
    from transformers import AutoModelForCausalLM

    ours = shaken(shape(tied=tied, kv_heads=kv_heads))
    write(ours, tmp_path)
    theirs: Any = AutoModelForCausalLM.from_pretrained(tmp_path)
    assert type(theirs).__name__ == "LlamaForCausalLM"
    torch.testing.assert_close(logits(ours.module, words()), theirs(words()).logits, rtol=1e-4, atol=1e-4)
    back = taken(theirs)
    assert back.is_own
    torch.testing.assert_close(logits(back.module, words()), logits(ours.module, words()), rtol=0, atol=0)


@pytest.mark.parametrize(("positions", "attention"), [(name, "prefix") for name in POSITIONS] + [(name, "causal") for name in POSITIONS[1:]])
def test_a_model_that_transformers_lacks_is_loaded_as_it_was_saved(tmp_path: Path, positions: str, attention: str) -> None:
    from transformers import AutoModelForCausalLM

    ours = shaken(shape(positions, attention=attention))
    write(ours, tmp_path)
    theirs: Any = AutoModelForCausalLM.from_pretrained(tmp_path)
    whole = torch.ones_like(words(), dtype=torch.bool)
    torch.testing.assert_close(logits(ours.module, words(), prefix=whole), theirs(words()).logits, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("positions", POSITIONS)
def test_a_later_token_never_changes_an_earlier_logit(positions: str) -> None:
    ours = shaken(shape(positions)).module
    changed = words()
    changed[:, 9] = (changed[:, 9] + 1) % VOCABULARY
    before, after = logits(ours, words()), logits(ours, changed)
    assert torch.equal(before[:, :9], after[:, :9])
    assert not torch.equal(before[:, 9:], after[:, 9:])


@pytest.mark.parametrize("positions", POSITIONS)
def test_a_prefix_sees_all_of_itself_and_nothing_behind_it(positions: str) -> None:
    ours = shaken(shape(positions, attention="prefix")).module
    prefix = torch.arange(16)[None].expand(2, -1) < 6
    of = {place: words() for place in (None, 5, 9)}
    for place, tokens in of.items():
        if place is not None:
            tokens[:, place] = (tokens[:, place] + 1) % VOCABULARY
    found = {place: logits(ours, tokens, prefix=prefix) for place, tokens in of.items()}
    assert not torch.equal(found[None][:, 0], found[5][:, 0]), "the first token of a prefix sees its last"
    assert torch.equal(found[None][:, :9], found[9][:, :9]), "neither prefix nor what follows sees what is behind"


@pytest.mark.parametrize("attention", ["causal", "prefix"])
@pytest.mark.parametrize("positions", POSITIONS)
def test_a_document_has_the_same_logits_alone_and_packed_behind_another(positions: str, attention: str) -> None:
    ours = shaken(shape(positions, attention=attention)).module
    packed = words(1, 16)
    segments = (torch.arange(16) >= 7)[None].long()
    prefix = torch.isin(torch.arange(16), torch.tensor([0, 1, 7, 8, 9]))[None]
    alone = logits(ours, packed[:, 7:], prefix=prefix[:, 7:])
    torch.testing.assert_close(logits(ours, packed, segments, prefix)[:, 7:], alone, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("attention", ["causal", "prefix"])
@pytest.mark.parametrize("positions", POSITIONS)
def test_reading_token_by_token_from_a_cache_gives_the_logits_of_reading_at_once(positions: str, attention: str) -> None:
    ours = shaken(shape(positions, attention=attention)).module
    tokens = words(2, 12)
    weight, _ = ours.output_layer()
    seen = torch.ones_like(tokens)
    hidden, cache = read_on(ours, tokens[:, :5], seen[:, :5], None, torch.float32)
    steps = [hidden]
    for place in range(5, 12):
        hidden, cache = read_on(ours, tokens[:, place : place + 1], seen[:, : place + 1], cache, torch.float32)
        steps.append(hidden)
    whole = logits(ours, tokens, prefix=torch.arange(12)[None].expand(2, -1) < 5)
    torch.testing.assert_close(torch.cat(steps, 1) @ weight.t(), whole, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("positions", POSITIONS)
def test_padding_on_the_left_changes_no_logit(positions: str) -> None:
    ours = shaken(shape(positions)).module
    tokens = words(1, 8)
    padded = torch.cat([torch.zeros(1, 3, dtype=torch.long), tokens], 1)
    alone, _ = read_on(ours, tokens, torch.ones_like(tokens), None, torch.float32)
    behind, _ = read_on(ours, padded, (torch.arange(11) >= 3)[None].long(), None, torch.float32)
    torch.testing.assert_close(behind[:, 3:], alone, rtol=1e-4, atol=1e-4)


def test_a_llama_with_scaled_positions_is_left_to_transformers() -> None:
    made = shape()
    made.rope_parameters = {"rope_type": "linear", "factor": 2.0, "rope_theta": 10_000.0}
    assert fast_of(made) is None and not fresh(made, 1).is_own


def test_the_likelihood_of_an_answer_of_a_prefix_decoder_is_that_of_reading_the_question_as_its_prefix() -> None:
    from kernels.inference.likelihoods.likelihood import Request, log_likelihoods
    from kernels.models.formats.checkpoints import LanguageModel
    from kernels.models.formats.own import classes

    made = shape("rope", attention="prefix")
    loaded = classes()[1](made).eval()
    loaded.module.load_state_dict(shaken(made).module.state_dict())
    loaded.to(torch.bfloat16)
    question, answers = (3, 4, 5, 6), [(7, 8), (7, 9, 10), (7,)]
    found = log_likelihoods(LanguageModel(loaded, None, "cpu"), [Request(question, answer) for answer in answers])
    for answer, likelihood in zip(answers, found, strict=True):
        tokens = torch.tensor([[*question, *answer]])
        prefix = torch.arange(tokens.shape[1])[None] < len(question)
        with torch.no_grad():
            scores = loaded(tokens, prefix_mask=prefix).logits.float().log_softmax(-1)[0]
        expected = sum(float(scores[len(question) - 1 + place, token]) for place, token in enumerate(answer))
        assert likelihood == pytest.approx(expected, rel=0.02)
