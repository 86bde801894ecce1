"""The encoder-decoder: equal to Transformers on the same weights, blind to what it may not see, the same alone and packed."""

from pathlib import Path
from typing import Any

import pytest
import torch

from kernels.models.architectures import t5
from kernels.models.formats.fast import fast_of, fresh, taken, write
from kernels.models.reading import Reading
from tests.small_models import shaken

NUM_TOKENS = 61


def shape(*, tied: bool = False, **changes: Any) -> Any:
    sizes = {"hidden_size": 32, "num_layers": 2, "num_heads": 4, "intermediate_size": 48, "max_position_embeddings": 256, "tie_embeddings": tied}
    return t5.build(t5.T5Config.model_validate({"kind": "t5", **sizes, **changes}), vocab_size=NUM_TOKENS, eos_token_id=1, pad_token_id=0)


def read(tokens: torch.Tensor, written: torch.Tensor, segments: torch.Tensor | None = None, written_segments: torch.Tensor | None = None) -> Reading:
    return Reading(
        tokens,
        torch.zeros_like(tokens) if segments is None else segments,
        decoder_tokens_BU=written,
        decoder_segments_BU=torch.zeros_like(written) if written_segments is None else written_segments,
    )


def logits(module: Any, reading: Reading) -> torch.Tensor:
    return module(reading, torch.float32) @ module.output_layer()[0].t()


def words(length: int, seed: int = 5) -> torch.Tensor:
    return torch.randint(2, NUM_TOKENS, (2, length), generator=torch.Generator().manual_seed(seed))


def changed(tokens: torch.Tensor, place: int) -> torch.Tensor:
    other = tokens.clone()
    other[:, place] = (other[:, place] + 1) % NUM_TOKENS
    return other


@pytest.mark.parametrize(("feed_forward", "tied"), [("gated-gelu", True), ("gated-gelu", False), ("relu", True)])
def test_it_gives_the_logits_of_transformers_on_the_same_weights_both_ways(tmp_path: Path, feed_forward: str, tied: bool) -> None:
    from transformers import AutoModelForSeq2SeqLM

    made = shape(tied=tied)
    made.feed_forward_proj, made.is_gated_act = feed_forward, feed_forward != "relu"
    made.dense_act_fn = "gelu_new" if made.is_gated_act else "relu"
    ours = shaken(made)
    write(ours, tmp_path)
    theirs: Any = AutoModelForSeq2SeqLM.from_pretrained(tmp_path)
    assert type(theirs).__name__ == "T5ForConditionalGeneration"
    tokens, written = words(150), words(140, seed=6)  # beyond the farthest distance that has a bucket of its own
    found = logits(ours.module, read(tokens, written))
    torch.testing.assert_close(found, theirs(input_ids=tokens, decoder_input_ids=written).logits, rtol=1e-3, atol=1e-4)
    back = taken(theirs)
    assert back.is_own and back.attention == "encoder_decoder"
    assert torch.equal(logits(back.module, read(tokens, written)), found)


@pytest.mark.parametrize("tied", [True, False])
def test_what_is_saved_says_whether_its_embeddings_are_one_and_holds_them_so(tmp_path: Path, tied: bool) -> None:
    import json

    from safetensors import safe_open
    from transformers import AutoModelForSeq2SeqLM

    ours = shaken(shape(tied=tied))
    for folder in ("one", "two"):
        write(ours, tmp_path / folder)
    write(taken(AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "two")), tmp_path / "back")
    for folder in ("one", "two", "back"):
        assert json.loads((tmp_path / folder / "config.json").read_text())["tie_word_embeddings"] is tied
        with safe_open(tmp_path / folder / "model.safetensors", "pt") as file:
            assert ("lm_head.weight" in set(file.keys())) is not tied
        assert (tmp_path / folder / "model.safetensors").read_bytes() == (tmp_path / "one" / "model.safetensors").read_bytes()


def test_a_model_of_transformers_that_does_not_scale_but_has_one_matrix_is_taken_with_that_matrix_twice() -> None:
    from transformers import T5ForConditionalGeneration

    theirs: Any = T5ForConditionalGeneration(shape(tied=False)).eval()
    assert theirs.lm_head.weight is theirs.shared.weight
    tokens, written = words(20), words(12, seed=6)
    expected = theirs(input_ids=tokens, decoder_input_ids=written).logits
    torch.testing.assert_close(logits(taken(theirs).module, read(tokens, written)), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("tied", [True, False])
def test_its_gradients_are_those_of_transformers(tied: bool) -> None:
    from transformers import T5ForConditionalGeneration

    from kernels.models.formats.state_tables import from_transformers, to_transformers

    ours = shaken(shape(tied=tied))
    theirs: Any = T5ForConditionalGeneration(shape(tied=tied))
    if not tied:
        theirs.lm_head.weight = torch.nn.Parameter(theirs.lm_head.weight.detach().clone())
    theirs.load_state_dict(to_transformers(ours.module.state_dict(), ours.table), strict=False)
    tokens, written = words(20), words(12, seed=6)
    logits(ours.module, read(tokens, written)).logsumexp(-1).sum().backward()
    theirs(input_ids=tokens, decoder_input_ids=written).logits.logsumexp(-1).sum().backward()
    expected = from_transformers({name: parameter.grad for name, parameter in theirs.named_parameters()}, ours.table)
    for name, parameter in ours.module.named_parameters():
        torch.testing.assert_close(parameter.grad, expected[name], rtol=1e-3, atol=1e-3, msg=name)


def test_the_decoder_sees_what_it_wrote_and_all_that_was_read_of_its_own_document_and_nothing_else() -> None:
    ours = shaken(shape()).module
    tokens, written = words(20), words(12, seed=6)
    segments, written_segments = ((torch.arange(length) >= 5)[None].expand(2, -1).long() for length in (20, 12))
    before = logits(ours, read(tokens, written, segments, written_segments))

    def differs(tokens: torch.Tensor, written: torch.Tensor) -> list[list[bool]]:
        return (logits(ours, read(tokens, written, segments, written_segments)) != before).any(-1).tolist()

    for place in (3, 8):
        of_own = [number == int(place >= 5) for number in written_segments[0].tolist()]
        assert differs(changed(tokens, place), written) == [of_own] * 2
        behind = [own and at >= place for at, own in enumerate(of_own)]
        assert differs(tokens, changed(written, place)) == [behind] * 2


def test_the_encoder_sees_its_document_on_both_sides_and_never_what_the_decoder_writes() -> None:
    ours = shaken(shape()).module
    found: list[torch.Tensor] = []
    ours.encoder_norm.register_forward_hook(lambda module, given, made: found.append(made))
    tokens, segments = words(20), (torch.arange(20) >= 8)[None].expand(2, -1).long()
    for given in (tokens, changed(tokens, 3), changed(tokens, 12)):
        ours(read(given, words(12, seed=6), segments), torch.float32)
    ours(read(tokens, words(12, seed=9), segments), torch.float32)
    first, of_3, of_12, of_other_writing = found
    assert torch.equal((of_3 != first).any(-1), segments == 0) and torch.equal((of_12 != first).any(-1), segments == 1)
    assert torch.equal(of_other_writing, first)


@pytest.mark.parametrize("tied", [True, False])
def test_a_document_has_the_same_logits_alone_and_packed_behind_another(tied: bool) -> None:
    ours = shaken(shape(tied=tied)).module
    tokens, written = words(30), words(14, seed=6)
    padding = [torch.where(torch.arange(length) < length - 2, (torch.arange(length) >= first).long(), -1) for length, first in ((30, 13), (14, 6))]
    segments, written_segments = (one[None].expand(2, -1) for one in padding)
    packed = logits(ours, read(tokens, written, segments, written_segments))
    alone = logits(ours, read(tokens[:, 13:28], written[:, 6:12]))
    torch.testing.assert_close(packed[:, 6:12], alone, rtol=1e-4, atol=1e-4)


def test_blocks_that_are_put_in_place_of_others_are_the_ones_that_are_called() -> None:
    ours = shaken(shape()).module
    called: list[int] = []

    class Counted(torch.nn.Module):
        def __init__(self, index: int, inside: torch.nn.Module) -> None:
            super().__init__()
            self.index, self.inside = index, inside

        def forward(self, *given: Any) -> Any:
            called.append(self.index)
            return self.inside(*given)

    expected = logits(ours, read(words(20), words(12, seed=6)))
    for index, block in enumerate(ours.blocks):
        ours.blocks[index] = Counted(index, block)
    assert torch.equal(logits(ours, read(words(20), words(12, seed=6))), expected) and called == [0, 1, 2, 3]


def test_a_reading_without_a_decoder_is_refused() -> None:
    with pytest.raises(ValueError, match="take an objective of encoder-decoders"):
        fresh(shape(), 1).module(Reading(words(8), torch.zeros_like(words(8))), torch.float32)


@pytest.mark.parametrize("change", [{"dropout_rate": 0.1}, {"feed_forward_proj": "gated-silu"}, {"architectures": ["T5EncoderModel"]}])
def test_what_the_module_lacks_is_left_alone(change: dict[str, Any]) -> None:
    made = shape()
    for name, value in change.items():
        setattr(made, name, value)
    assert fast_of(made) is None
