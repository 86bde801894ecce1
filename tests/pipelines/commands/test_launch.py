"""A model goes to another trainer and comes back."""

import importlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from kernels.tokens.indexed_datasets import read_sequences
from pipelines.terminal.application import app

importlib.import_module("pipelines.commands.launch")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, make_shop: Callable[[Path], Any]) -> Any:
    """The small recipe brought up to its mixture."""
    shop = make_shop(tmp_path_factory.mktemp("launched") / "shop")
    assert not shop.up("tokens/mixture_pretrain").failed
    return shop


def mill(*words: str, shop: Any = None) -> tuple[Result, str]:
    recipe = ["--recipe", str(shop.recipe_file)] if shop else []
    found = CliRunner().invoke(app, [*words, *recipe])
    return found, " ".join(f"{found.output} {found.exception or ''}".replace("│", " ").split())


def weights(folder: Path) -> dict[str, Any]:
    from safetensors.numpy import load_file

    return load_file(folder / "model.safetensors")


@pytest.mark.parametrize("back_end", ["megatron", "bmtrain"])
def test_a_model_that_is_launched_and_not_trained_comes_back_as_its_first_weights(shop: Any, tmp_path: Path, back_end: str) -> None:
    from kernels.models.formats import checkpoints
    from kernels.models.formats.fast import write
    from pipelines.planning.launching import prepared
    from pipelines.terminal.workbench import Workbench

    text = shop.recipe_file.read_text()
    named = ["--back-end", back_end] if back_end == "bmtrain" else []
    if back_end == "bmtrain":
        shop.change_recipe("num_kv_heads: 1", "num_kv_heads: 2")
    else:
        shop.change_recipe("    method: pretrain\n", "    method: pretrain\n    run: {back_end: megatron}\n")
    try:
        found, words = mill("launch", "base", *named, "--to", str(tmp_path / "launch"), shop=shop)
        assert found.exit_code == 0, words
        bench = Workbench(str(shop.recipe_file))
        first = prepared(bench.recipe.entries, bench.lake, "base")
    finally:
        shop.recipe_file.write_text(text)
    assert "torchrun" in words and "this machine lacks:" in words and back_end in words.split("lacks:")[1]
    assert {"launch.sh", "README.md", "model", "data"} <= {path.name for path in (tmp_path / "launch").iterdir()}
    assert "--num-layers 1" in (tmp_path / "launch" / "launch.sh").read_text() or back_end == "bmtrain"
    start, trained = tmp_path / "launch" / "start", tmp_path / "launch" / "trained"
    trained.mkdir()
    if back_end == "megatron":
        shutil.copytree(start / "release", trained / "iter_0000030")
        (trained / "latest_checkpointed_iteration.txt").write_text("30\n")
    else:
        shutil.copy(start.with_suffix(".pt"), trained / "model.pt")
    found, words = mill("land", str(tmp_path / "launch"), "--to", str(tmp_path / "landed"))
    assert found.exit_code == 0 and "adopt_transformers" in words, words
    write(first.trainable, tmp_path / "first")
    ours, theirs = weights(tmp_path / "first"), weights(tmp_path / "landed")
    assert ours.keys() == theirs.keys() and all(np.array_equal(ours[name], theirs[name]) for name in ours)
    assert checkpoints.load(tmp_path / "landed", "cpu").tokenizer.get_vocab() == first.tokenizer.get_vocab()
    found, words = mill("land", str(tmp_path / "launch"), "--to", str(tmp_path / "landed"))
    assert found.exit_code != 0 and "is there already; name a folder that is not" in words


def test_the_documents_of_the_mixture_are_the_sequences_that_megatron_reads(shop: Any, tmp_path: Path) -> None:
    assert mill("launch", "base", "--back-end", "megatron", "--to", str(tmp_path / "launch"), shop=shop)[0].exit_code == 0
    mixture = shop.lake.folder(shop.cell("tokens/mixture_pretrain"))
    tokens, segments = np.load(mixture / "train_tokens.npy"), np.load(mixture / "train_segments.npy")
    sequences = read_sequences(tmp_path / "launch" / "data" / "train_0")
    assert np.array_equal(np.concatenate(sequences), tokens[segments != 65535]) and len(sequences) > len(tokens)
    script = (tmp_path / "launch" / "launch.sh").read_text()
    held = len(np.load(mixture / "validation_tokens.npy"))
    assert "--train-data-path 1.0 data/train_0" in script and ("--valid-data-path data/validation" in script) == (held > 0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["bass"], "no model is named 'bass'"),
        (["base", "--back-end", "bmtrain"], "1 key heads serve 2; take as many num_kv_heads as num_heads"),
        (["base", "--back-end", "deepspeed"], "Invalid value for '--back-end'"),
    ],
)
def test_what_cannot_be_launched_is_told_and_nothing_is_written(shop: Any, tmp_path: Path, arguments: list[str], words: str) -> None:
    back_end = [] if "--back-end" in arguments else ["--back-end", "megatron"]
    found, told = mill("launch", *arguments, *back_end, "--to", str(tmp_path / "launch"), shop=shop)
    assert found.exit_code != 0 and words in told and not (tmp_path / "launch").exists()


def test_without_a_trainer_in_the_recipe_or_the_command_it_is_asked_for(shop: Any, tmp_path: Path) -> None:
    found, told = mill("launch", "base", "--to", str(tmp_path / "launch"), shop=shop)
    assert found.exit_code != 0 and "base: its run names no other trainer; give --back-end megatron or bmtrain" in told


def test_a_model_whose_data_are_not_made_is_told_what_to_make(tmp_path: Path, make_shop: Callable[[Path], Any]) -> None:
    _, told = mill("launch", "base", "--back-end", "megatron", "--to", str(tmp_path / "launch"), shop=make_shop(tmp_path / "shop"))
    assert "tokens/mixture_pretrain is not made yet; mill up tokens/mixture_pretrain" in told


def test_a_folder_of_no_launch_lands_nothing(tmp_path: Path) -> None:
    found, told = mill("land", str(tmp_path), "--to", str(tmp_path / "landed"))
    assert found.exit_code != 0 and "has no back_end.txt, as the folder of a launch has" in told
