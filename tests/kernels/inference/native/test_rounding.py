"""Rounded weights are the same from files as from memory, nothing else of them is held, and PyTorch answers by them where the kernels cannot."""

import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from kernels.inference.asking import Asked
from kernels.inference.engines import engine_of, rounded_reader
from kernels.inference.native import building
from kernels.inference.native.packing import Bits, Packed, unpacked
from kernels.inference.native.rounding import MATRICES, RoundedDecoder, of_files, of_module
from kernels.inference.readers.paged_decoder import PagedDecoder
from kernels.inference.readers.reading import Stretch
from kernels.inference.sampling import Sampling
from kernels.inference.streaming.weights import Weights
from kernels.models.formats.auto_classes import auto_class
from kernels.models.formats.checkpoints import LanguageModel
from tests.kernels.inference.readers.pieces import assert_read_as_whole
from tests.kernels.inference.readers.test_paged_decoder import VOCABULARY, made, whole
from tests.kernels.inference.streaming.test_streaming import NUM_PAGES, llama, own, saved

CONFIGS = {
    "a Llama": lambda: llama(),
    "a Llama, tied": lambda: llama(tie_word_embeddings=True),
    "t5": lambda: own(positions="t5"),
    "learned, apart": lambda: own(positions="learned", tied=False),
}
TOKENIZER: Any = SimpleNamespace(decode=lambda tokens, **_: " ".join(map(str, tokens)))
LACKING = "a processor with avx512_vnni"


def packed_of(decoder: RoundedDecoder) -> list[Packed]:
    return [*decoder.ends, *(getattr(block, name).packed for block in decoder.blocks for name in MATRICES)]


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("kind", CONFIGS)
def test_weights_that_are_rounded_as_they_are_read_are_those_of_a_model_in_memory(kind: str, bits: Bits, tmp_path: Path) -> None:
    config = CONFIGS[kind]()
    from_memory, from_files = of_module(saved(tmp_path, config), bits), of_files(Weights(config, tmp_path, torch.float32), bits)
    for one, other in zip(packed_of(from_memory), packed_of(from_files), strict=True):
        assert torch.equal(one.weights, other.weights) and torch.equal(one.scales, other.scales) and one[2:] == other[2:]
    text = list(range(40))
    torch.testing.assert_close(whole(from_files, text, 0), whole(from_memory, text, 0), rtol=0, atol=0)


def test_weights_that_are_stored_in_bfloat16_are_rounded_from_what_they_are(tmp_path: Path) -> None:
    config = llama()
    saved(tmp_path, config)
    halves = {name: tensor.bfloat16() for name, tensor in load_file(tmp_path / "model.safetensors").items()}
    save_file(halves, tmp_path / "model.safetensors")
    found = of_files(Weights(config, tmp_path, torch.float32), 8)
    save_file({name: tensor.float() for name, tensor in halves.items()}, tmp_path / "model.safetensors")
    for one, other in zip(packed_of(found), packed_of(of_files(Weights(config, tmp_path, torch.float32), 8)), strict=True):
        assert torch.equal(one.weights, other.weights) and torch.equal(one.scales, other.scales)


def test_nothing_but_norms_and_positions_is_held_beside_rounded_weights(tmp_path: Path) -> None:
    config = own(positions="learned")
    saved(tmp_path, config)
    found = of_files(Weights(config, tmp_path, torch.float32), 4)
    held = {name for name, parameter in found.named_parameters() if parameter.device.type != "meta"}
    norms = {f"blocks.{layer}.{name}_norm.weight" for layer in range(5) for name in ("attention", "feed_forward")}
    assert held == {*norms, "norm.weight", "position_embedding"}
    assert found.ends.embedding is found.ends.output


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("positions", ["rope", "alibi", "learned"])
def test_pytorch_answers_by_pieces_what_the_weights_that_levels_stand_for_say_whole(bits: Bits, positions: Any) -> None:
    module, chance = made(positions=positions, tied=False), random.Random(1)
    decoder = of_module(module, bits)
    with torch.no_grad():
        for block, other in zip(module.blocks, decoder.blocks, strict=True):
            for name in MATRICES:
                getattr(block, name).weight.copy_(unpacked(getattr(other, name).packed))
        module.embedding.copy_(unpacked(decoder.ends.embedding))
        getattr(module, "output_embedding").copy_(unpacked(decoder.ends.output))  # noqa: B009
    texts = [[chance.randrange(VOCABULARY) for _ in range(length)] for length in (5, 40, 23)]
    expected = [whole(module, text, 0) for text in texts]

    def next_count(index: int, num_kept: int) -> int:
        return min(chance.choice((1, 2, 5)), len(texts[index]) - num_kept)

    assert_read_as_whole(PagedDecoder(decoder, NUM_PAGES, torch.float32), NUM_PAGES, texts, expected, next_count, chance)


def test_a_machine_that_the_kernels_are_not_for_is_told_so_and_answers_by_pytorch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(building, "lacking", lambda: LACKING)
    config = llama(tie_word_embeddings=True)
    module = saved(tmp_path, config)
    with torch.device("meta"):
        outline: Any = auto_class(config).from_config(config).eval()
    reader = rounded_reader(LanguageModel(outline, TOKENIZER, "cpu", weights_in=tmp_path), 4, NUM_PAGES)
    assert isinstance(reader, PagedDecoder)
    assert [record.getMessage() for record in caplog.records] == [
        f"weights of 4 bits: this machine lacks {LACKING}, and PyTorch computes with them: rightly, and much slower than with the model's own"
    ]
    text = list(range(30))
    found = reader.read([Stretch(text, 0, [0, 1], range(30))])
    torch.testing.assert_close(found, whole(of_module(module, 4), text, 0), rtol=1e-4, atol=1e-4)


def test_an_engine_of_files_answers_as_one_of_memory(tmp_path: Path) -> None:
    config = llama(hidden_size=64, num_attention_heads=4, head_dim=16)
    saved(tmp_path, config)
    model: Any = auto_class(config).from_pretrained(tmp_path, dtype=torch.float32, local_files_only=True).eval()
    with torch.device("meta"):
        outline: Any = auto_class(config).from_config(config).eval()
    request = Asked(tokens=[5, 17, 3], max_new_tokens=20, sampling=Sampling(temperature=0))
    one = engine_of(LanguageModel(model, TOKENIZER, "cpu"), most_kept_tokens=64, bits=8)
    other = engine_of(LanguageModel(outline, TOKENIZER, "cpu", weights_in=tmp_path), most_kept_tokens=64, bits=8)
    assert list(one.answers([request])) == list(other.answers([request]))
