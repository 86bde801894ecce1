"""A decoder whose layers pass through memory says what it says where it is whole, bit for bit."""

import random
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig

from kernels.inference.cache.pages import PAGE
from kernels.inference.readers.paged_decoder import PagedDecoder
from kernels.inference.readers.reading import Stretch
from kernels.inference.streaming.files import TensorFiles
from kernels.inference.streaming.plan import Most
from kernels.inference.streaming.reader import Within, sizes_of, streamed_reader
from kernels.inference.streaming.weights import Weights
from kernels.models.formats.fast import fresh, write
from kernels.models.formats.own import classes

VOCABULARY, NUM_PAGES, NUM_LAYERS = 64, 12, 5
MOST = Most(NUM_PAGES * PAGE, 64, 4)
SIZES: dict[str, Any] = {"vocab_size": VOCABULARY, "width": 32, "num_layers": NUM_LAYERS, "num_heads": 4, "num_kv_heads": 2, "head_width": 8}
SIZES |= {"inner_width": 48, "max_positions": 96, "tied": True, "theta": 1e4, "eps": 1e-6, "attention": "causal"}


def llama(**changes: Any) -> Any:
    sizes: dict[str, Any] = {"vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": NUM_LAYERS, "num_attention_heads": 4}
    sizes |= {"num_key_value_heads": 2, "intermediate_size": 48, "max_position_embeddings": 96, "initializer_range": 0.3}
    return LlamaConfig(**{**sizes, **changes})


def own(**changes: Any) -> Any:
    return classes()[0](stack={**SIZES, **changes})


KINDS = {
    "a Llama": lambda: llama(),
    "a Llama, tied": lambda: llama(tie_word_embeddings=True),
    "alibi": lambda: own(positions="alibi"),
    "learned, apart": lambda: own(positions="learned", tied=False),
    "prefix, t5": lambda: own(positions="t5", attention="prefix"),
}


def saved(folder: Path, config: Any) -> Any:
    """Write a model, and return its module."""
    trained = fresh(config, 3)
    write(trained, folder)
    return trained.module.eval()


def streamed(config: Any, folder: Path, num_held: int, dtype: Any = "float32") -> PagedDecoder:
    """Return a reader that has room for some layers."""
    sizes = sizes_of(Weights(config, folder, getattr(torch, dtype)), MOST, getattr(torch, dtype).itemsize)
    budget = sizes.outside + sizes.cache + sizes.step + num_held * sizes.layer
    return streamed_reader(config, Within(folder, budget, dtype), MOST, "cpu")


def steps(chance: random.Random, *, whole: bool) -> list[list[Stretch]]:
    """Return texts in pieces, some of which pass together; where prompts are read whole they have 4 tokens."""
    texts = [[chance.randrange(VOCABULARY) for _ in range(length)] for length in (5, 40, 23, 60)]
    tables = chance.sample(range(NUM_PAGES), NUM_PAGES)
    pages = [[tables.pop() for _ in range(-(-len(text) // PAGE))] for text in texts]
    kept, found = [0] * len(texts), list[list[Stretch]]()
    while any(num < len(text) for num, text in zip(kept, texts, strict=True)):
        step: list[Stretch] = []
        for index, text in enumerate(texts):
            left = len(text) - kept[index]
            count = min(left, 4) if whole and not kept[index] else min(left, chance.choice((0, 1, 1, 7)))
            if count:
                step.append(Stretch(text[kept[index] : kept[index] + count], kept[index], pages[index], range(count)))
                kept[index] += count
        found += [step] if step else []
    return found


@pytest.mark.parametrize("num_held", [2, 3, 4, 5])
@pytest.mark.parametrize("kind", KINDS)
def test_layers_that_pass_compute_what_layers_that_stay_do(kind: str, num_held: int, tmp_path: Path) -> None:
    config = KINDS[kind]()
    whole = PagedDecoder(saved(tmp_path, config), NUM_PAGES, torch.float32)
    reader = streamed(config, tmp_path, num_held)
    for step in steps(random.Random(num_held), whole=kind.startswith("prefix")):
        assert torch.equal(reader.read(step), whole.read(step))


@pytest.mark.parametrize(("stored", "computed"), [("bfloat16", "bfloat16"), ("bfloat16", "float32"), ("float32", "bfloat16"), ("float16", "float32")])
def test_weights_of_another_type_are_those_of_a_model_that_was_loaded_in_it(stored: str, computed: Any, tmp_path: Path) -> None:
    config = llama()
    module = saved(tmp_path, config)
    state = {name: tensor.to(getattr(torch, stored)) for name, tensor in load_file(tmp_path / "model.safetensors").items()}
    save_file(state, tmp_path / "model.safetensors")
    whole = PagedDecoder(module.to(getattr(torch, stored)).to(getattr(torch, computed)), NUM_PAGES, getattr(torch, computed))
    reader = streamed(config, tmp_path, 3, computed)
    for step in steps(random.Random(1), whole=False):
        assert torch.equal(reader.read(step), whole.read(step))


def test_who_leaves_before_the_last_layer_does_not_mix_them(tmp_path: Path) -> None:
    config = llama()
    whole = PagedDecoder(saved(tmp_path, config), NUM_PAGES, torch.float32)
    reader, chance = streamed(config, tmp_path, 3), random.Random(5)
    left: list[Any] = []
    for step in steps(chance, whole=False):
        if chance.random() < 0.7:
            walk = iter(reader._blocks)
            for _ in range(chance.randrange(1, NUM_LAYERS + 1)):
                next(walk)
            left.append(walk)  # one that an error's traceback would hold, too
        assert torch.equal(reader.read(step), whole.read(step))
    assert len(left) > 2


def test_weights_in_several_files_are_one_model_and_a_name_in_two_is_refused(tmp_path: Path) -> None:
    config = llama()
    whole = PagedDecoder(saved(tmp_path, config), NUM_PAGES, torch.float32)
    state = load_file(tmp_path / "model.safetensors")
    (tmp_path / "model.safetensors").unlink()
    names = sorted(state)
    for number in range(3):
        save_file({name: state[name] for name in names[number::3]}, tmp_path / f"model-{number + 1:05}-of-00003.safetensors")
    step = [Stretch([1, 2, 3], 0, [0], range(3))]
    assert torch.equal(streamed(config, tmp_path, 2).read(step), whole.read(step))
    save_file({names[0]: state[names[0]]}, tmp_path / "model-more.safetensors")
    with pytest.raises(ValueError, match=f"{names[0]} is in another file of the folder too"):
        TensorFiles(tmp_path)


def test_files_that_are_cut_off_lack_something_or_are_of_another_shape_are_refused_by_name(tmp_path: Path) -> None:
    config, path = llama(), tmp_path / "model.safetensors"
    saved(tmp_path, config)
    whole = path.read_bytes()
    path.write_bytes(whole[:-8])
    with pytest.raises(ValueError, match="is cut off"):
        TensorFiles(tmp_path)
    for spoiled in (whole[:100], whole[:4], b"", b"\xff" * 64):
        path.write_bytes(spoiled)
        with pytest.raises(ValueError, match="is no whole file of safetensors"):
            TensorFiles(tmp_path)
    path.write_bytes(whole)
    with pytest.raises(ValueError, match=r"lack \['model\.layers\.5\.input_layernorm\.weight'"):
        Weights(llama(num_hidden_layers=6), tmp_path, torch.float32)
    with pytest.raises(ValueError, match=r"mlp\.gate_proj\.weight has shape \(48, 32\), and the config makes \(64, 32\)"):
        Weights(llama(intermediate_size=64), tmp_path, torch.float32)
    state, layer = load_file(path), "model.layers.3.self_attn"
    save_file({**state, **{f"{layer}.{name}_proj.weight": torch.zeros(rows, 32) for name, rows in (("q", 48), ("k", 8), ("v", 8))}}, path)
    with pytest.raises(ValueError, match=r"q_proj\.weight has shape \(48, 32\), and the config makes \(32, 32\)"):  # together they are as many rows
        Weights(config, tmp_path, torch.float32)
    with pytest.raises(ValueError, match="llama is no decoder of ours"):
        Weights(llama(attention_bias=True), tmp_path, torch.float32)
    path.unlink()
    with pytest.raises(FileNotFoundError, match="a checkpoint has this file"):
        TensorFiles(tmp_path)


def test_a_file_that_becomes_shorter_while_it_is_asked_ends_the_answer(tmp_path: Path) -> None:
    config = llama()
    saved(tmp_path, config)
    reader = streamed(config, tmp_path, 2)
    with (tmp_path / "model.safetensors").open("r+b") as stream:
        stream.truncate(2000)
    step = [Stretch([1, 2, 3], 0, [0], range(3))]
    with pytest.raises(EOFError, match="the checkpoint changed while it was asked"):
        for _ in range(2):  # the first layers were read before
            reader.read(step)
