import shutil
from pathlib import Path
from typing import Any

import pytest

from kernels.inference import decoding
from kernels.models.architectures import llama
from kernels.models.formats import checkpoints
from kernels.models.formats.chats import chat_encoder
from kernels.specs.turns import Turn
from kernels.tokens import tokenizer_files
from tests.small_models import put_llama

SHAPE = llama.LlamaConfig(
    kind="llama", hidden_size=32, num_layers=2, num_heads=2, num_kv_heads=1, intermediate_size=48, max_position_embeddings=128, tie_embeddings=True
)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return put_llama(tmp_path_factory.mktemp("saved"), SHAPE, "a cat sat on a mat")


def test_a_checkpoint_holds_the_files_of_transformers_and_no_pickle(saved: Path):
    assert {path.name for path in saved.iterdir()} == {
        "config.json",
        "model.safetensors",
        "generation_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "chat_template.jinja",
    }


def test_a_checkpoint_saved_again_has_the_same_bytes_wherever_it_lay(saved: Path, tmp_path: Path):
    shutil.copytree(saved, tmp_path / "elsewhere")
    for source, target in ((saved, "one"), (tmp_path / "elsewhere", "two")):
        lm = checkpoints.load(source, "cpu")
        checkpoints.save(lm.model, lm.tokenizer, tmp_path / target)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name
    assert (tmp_path / "one" / "model.safetensors").read_bytes() == (saved / "model.safetensors").read_bytes()


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_missing_file_is_named(saved: Path, tmp_path: Path, name: str):
    shutil.copytree(saved, tmp_path / "broken")
    (tmp_path / "broken" / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"{name}.*make the model again"):
        checkpoints.load(tmp_path / "broken", "cpu")


@pytest.mark.parametrize("has_more", [False, True], ids=["lacks a tensor", "has a tensor too many"])
def test_weights_that_do_not_fit_the_config_are_refused_and_none_is_drawn_at_random(saved: Path, tmp_path: Path, has_more: bool):
    from safetensors.torch import load_file, save_file

    shutil.copytree(saved, tmp_path / "model")
    tensors, name = load_file(saved / "model.safetensors"), "model.layers.1.mlp.up_proj.weight"
    if has_more:
        tensors |= {name.replace(".1.", ".2."): tensors[name].clone()}
    else:
        del tensors[name]
    save_file(tensors, tmp_path / "model" / "model.safetensors", metadata={"format": "pt"})
    found = rf"holds unknown \['{name.replace('.1.', '.2.')}'\]" if has_more else rf"lacks \['{name}'\]"
    with pytest.raises(ValueError, match=found):
        checkpoints.load(tmp_path / "model", "cpu")


def test_weights_are_loaded_in_the_dtype_that_is_asked_for(saved: Path):
    assert str(checkpoints.load(saved, "cpu", "bfloat16").model.dtype) == "torch.bfloat16"
    assert str(checkpoints.load(saved, "cpu").model.dtype) == "torch.float32"


def test_a_prompt_is_continued_alike_alone_and_beside_a_longer_one(saved: Path):
    lm = checkpoints.load(saved, "cpu")
    (alone,) = decoding.generate(lm, ["a cat"], max_new_tokens=8, temperature=0.0, seed=0)
    batched = decoding.generate(lm, ["a cat", "a cat sat on a mat, a cat sat on a mat"], max_new_tokens=8, temperature=0.0, seed=0)
    assert alone and batched[0] == alone


def test_sampling_follows_the_seed(saved: Path):
    lm = checkpoints.load(saved, "cpu")
    once, again, other = (decoding.generate(lm, ["a cat"], max_new_tokens=12, temperature=1.0, seed=seed) for seed in (1, 1, 2))
    assert once == again != other


def test_an_answer_ends_where_the_context_is_full_alone_and_beside_others_and_a_longer_prompt_is_refused(saved: Path):
    lm = checkpoints.load(saved, "cpu")
    settings = {"max_new_tokens": 200, "temperature": 0.0, "seed": 0}
    long, short = [5] * 120, [6] * 126
    rows = decoding.continued(lm, [long, short], **settings, stop=())
    assert [len(row) for row in rows] == [9, 3], "128 are read, and the last one drawn is not"
    assert rows[1:] == decoding.continued(lm, [short], **settings, stop=())
    with pytest.raises(ValueError, match="a prompt has 129 tokens, and the model reads 128 at most"):
        decoding.continued(lm, [[5] * 129], **settings, stop=())


def test_the_streamed_answer_is_the_generated_one(saved: Path):
    lm = checkpoints.load(saved, "cpu")
    turns = [Turn("user", "a cat?")]
    prompt = chat_encoder(lm.tokenizer).prompt(turns)
    streamed = "".join(decoding.chat(lm, turns, max_new_tokens=10, temperature=0.0, seed=0))
    (generated,) = decoding.answer(lm, [prompt], max_new_tokens=10, temperature=0.0, seed=0)
    assert streamed and generated.startswith(streamed)


def test_an_answer_ends_with_its_turn(saved: Path):
    lm = checkpoints.load(saved, "cpu")
    end = lm.tokenizer.convert_tokens_to_ids(tokenizer_files.TURN_END)
    calls = iter([lm.tokenizer("a", add_special_tokens=False)["input_ids"][0], end, end])

    class Scripted:
        config, device, _supports_attention_backend = lm.model.config, "cpu", False

        def __call__(self, input_ids: Any, **_: object) -> object:
            import types

            import torch

            logits = torch.zeros(1, input_ids.shape[1], len(lm.tokenizer))
            logits[..., next(calls)] = 1.0
            return types.SimpleNamespace(logits=logits, past_key_values=())

    assert list(decoding.chat(lm._replace(model=Scripted()), [Turn("user", "?")], max_new_tokens=10, temperature=0.0, seed=0)) == ["a"]
