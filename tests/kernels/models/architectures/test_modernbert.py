"""The encoder of masked tokens: equal to Transformers on the same weights, blind across documents, the same alone and packed."""

from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from kernels.models.architectures import modernbert
from kernels.models.formats.fast import fast_of, fresh, taken, write
from kernels.models.reading import Reading
from tests.small_models import shaken

NUM_TOKENS = 61


def shape(*, tied: bool = True, **changes: Any) -> Any:
    sizes = {"hidden_size": 32, "num_layers": 3, "num_heads": 4, "intermediate_size": 48, "max_position_embeddings": 256, "tie_embeddings": tied}
    config = modernbert.ModernBertConfig.model_validate({"kind": "modernbert", "global_every": 2, "local_attention": 16, **sizes, **changes})
    return modernbert.build(config, vocab_size=NUM_TOKENS, eos_token_id=1, pad_token_id=0)


def logits(module: Any, tokens: torch.Tensor, segments: torch.Tensor | None = None) -> torch.Tensor:
    weight, bias = module.output_layer()
    return module(Reading(tokens, torch.zeros_like(tokens) if segments is None else segments), torch.float32) @ weight.t() + bias


def words(length: int = 48, rows: int = 2) -> torch.Tensor:
    return torch.randint(2, NUM_TOKENS, (rows, length), generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("length", [20, 48, 50])  # of less than four windows, of six, and of no whole number of them
def test_it_gives_the_logits_of_transformers_on_the_same_weights_both_ways(tmp_path: Path, tied: bool, length: int) -> None:
    from transformers import AutoModelForMaskedLM

    ours = shaken(shape(tied=tied))
    write(ours, tmp_path)
    theirs: Any = AutoModelForMaskedLM.from_pretrained(tmp_path)
    assert type(theirs).__name__ == "ModernBertForMaskedLM"
    torch.testing.assert_close(logits(ours.module, words(length)), theirs(words(length)).logits, rtol=1e-4, atol=1e-4)
    back = taken(theirs)
    assert back.is_own and back.attention == "bidirectional"
    assert torch.equal(logits(back.module, words(length)), logits(ours.module, words(length)))


def test_what_is_saved_again_after_loading_has_the_same_bytes(tmp_path: Path) -> None:
    from transformers import AutoModelForMaskedLM

    write(shaken(shape()), tmp_path / "one")
    write(taken(AutoModelForMaskedLM.from_pretrained(tmp_path / "one")), tmp_path / "two")
    assert (tmp_path / "one" / "model.safetensors").read_bytes() == (tmp_path / "two" / "model.safetensors").read_bytes()


@pytest.mark.parametrize("tied", [True, False])
def test_its_gradients_are_those_of_transformers(tied: bool) -> None:
    from transformers import ModernBertForMaskedLM

    from kernels.models.formats.state_tables import from_transformers, to_transformers

    ours = shaken(shape(tied=tied))
    theirs: Any = ModernBertForMaskedLM(shape(tied=tied))
    state = to_transformers(ours.module.state_dict(), ours.table)
    theirs.load_state_dict(state, strict=False)
    logits(ours.module, words()).logsumexp(-1).sum().backward()
    theirs(words()).logits.logsumexp(-1).sum().backward()
    found = {name: parameter.grad for name, parameter in ours.module.named_parameters()}
    expected = from_transformers({name: parameter.grad for name, parameter in theirs.named_parameters()}, ours.table)
    for name, gradient in found.items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-3, atol=1e-3, msg=name)


def test_a_token_sees_all_of_its_document_on_both_sides_and_nothing_of_another() -> None:
    ours = shaken(shape()).module
    segments = (torch.arange(48) >= 20)[None].expand(2, -1).long()
    before = logits(ours, words(), segments)
    for place in (5, 30):
        changed = words()
        changed[:, place] = (changed[:, place] + 1) % NUM_TOKENS
        differs = (logits(ours, changed, segments) != before).any(-1)
        assert torch.equal(differs, segments == segments[0, place])


def test_blocks_that_see_what_is_near_see_no_farther() -> None:
    made = shape(global_every=2, num_layers=2)
    made.layer_types = [modernbert.LOCAL] * 2
    ours = shaken(made).module
    changed = words()
    changed[:, 20] = (changed[:, 20] + 1) % NUM_TOKENS
    differs = (logits(ours, changed) != logits(ours, words())).any(-1)
    near = (torch.arange(48) - 20).abs() <= 2 * 8
    assert torch.equal(differs, near.expand(2, -1)), "two blocks reach twice half of local_attention"


@pytest.mark.parametrize("length", [40, 48])
def test_a_document_has_the_same_logits_alone_and_packed_behind_another(length: int) -> None:
    ours = shaken(shape()).module
    segments = (torch.arange(length) >= 16)[None].expand(2, -1).long()
    alone = logits(ours, words(length)[:, 16:])
    torch.testing.assert_close(logits(ours, words(length), segments)[:, 16:], alone, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "change",
    [{"norm_bias": True}, {"mlp_dropout": 0.1}, {"decoder_bias": False}, {"hidden_activation": "relu"}, {"architectures": ["ModernBertModel"]}],
)
def test_what_the_module_lacks_is_refused_and_not_trained_otherwise(change: dict[str, Any]) -> None:
    made = shape()
    for name, value in change.items():
        setattr(made, name, value)
    assert fast_of(made) is None
    if "architectures" not in change:
        with pytest.raises(ValueError, match=r"ModernBertForMaskedLM: only causal decoders learn .* bidirectional"):
            fresh(made, 1)


@pytest.mark.parametrize(
    ("change", "key"), [({"num_heads": 5}, "5 heads do not divide"), ({"num_heads": 32}, "even width"), ({"local_attention": 7}, "multiple of 2")]
)
def test_sizes_that_do_not_fit_are_refused(change: dict[str, Any], key: str) -> None:
    with pytest.raises(ValidationError, match=key):
        shape(**change)
