"""Talking with a checkpoint in the terminal."""

import importlib
import os
import re
import threading
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch.distributed
from typer.testing import CliRunner, Result

from kernels.models.architectures import llama
from kernels.models.formats import checkpoints
from kernels.models.formats.fast import fresh, write
from kernels.tokens import tokenizer_files
from kernels.tokens.tokenizers import byte_bpe
from pipelines.terminal.application import app
from resources.devices.leases import holdings, lease_devices
from resources.devices.nodes import node_name
from resources.storage.home import Home

importlib.import_module("pipelines.commands.chat")

SIZES: dict[str, Any] = {"hidden_size": 32, "num_layers": 8, "num_heads": 2, "num_kv_heads": 2, "intermediate_size": 4096}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of 13 MB."""
    from transformers import AutoTokenizer

    found = tmp_path_factory.mktemp("saved") / "model"
    tokenizer_files.write_tokenizer(byte_bpe.train(iter(["a cat sat on a mat"]), byte_bpe.ByteBpeConfig(vocab_size=264)), found)
    tokenizer: Any = AutoTokenizer.from_pretrained(found)
    config = llama.LlamaConfig(kind="llama", tie_embeddings=True, max_position_embeddings=128, **SIZES)
    write(fresh(llama.build(config, vocab_size=len(tokenizer), eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id), 3), found)
    return found


def refuse(*_: object) -> None:
    raise AssertionError("the checkpoint is loaded whole")


def chat(folder: Path, *words: str, monkeypatch: pytest.MonkeyPatch) -> Result:
    recipe = SimpleNamespace(name="small", entries=SimpleNamespace(models={"base": None}))
    lake = SimpleNamespace(folder=lambda _: folder, reading=lambda _: nullcontext())
    bench = SimpleNamespace(recipe=recipe, lake=lake, home=Home.resolve(folder.parent, {}))
    monkeypatch.setattr("pipelines.commands.chat.Workbench", lambda _: bench)
    return CliRunner().invoke(app, ["chat", "base", "--max-new-tokens", "20", *words], input="a cat\non a mat\n\n")


def test_a_model_answers_the_same_within_memory_that_it_does_not_fit_and_is_never_loaded_whole(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = chat(folder, monkeypatch=monkeypatch)
    assert whole.exit_code == 0, whole.output
    assert (folder / "model.safetensors").stat().st_size > 12_500_000
    monkeypatch.setattr(checkpoints, "load", refuse)
    within = chat(folder, "--memory", "23MB", monkeypatch=monkeypatch)
    assert within.exit_code == 0, (within.output, within.exception)
    assert within.output == whole.output and len(whole.output) > 40


def test_a_model_whose_weights_are_rounded_is_never_loaded_whole_and_answers_as_if_it_was(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = checkpoints.load(folder, "cpu")
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "outline", lambda *_: whole)
        expected = chat(folder, "--weights", "int4", monkeypatch=patch)
    monkeypatch.setattr(checkpoints, "load", refuse)
    found = chat(folder, "--weights", "int4", monkeypatch=monkeypatch)
    assert found.exit_code == 0, (found.output, found.exception)
    assert found.output == expected.output and len(found.output) > 40


def test_a_gpu_is_held_as_long_as_a_model_is_asked_and_loaded_onto(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.terminal.devices.visible_gpus", lambda: ["6", "7"])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "6,7")
    load, seen, leases = checkpoints.load, list[Any](), Home.resolve(folder.parent, {}).leases / node_name()

    def loaded(folder: Path, device: str, dtype: Any) -> Any:
        seen.append((device, os.environ["CUDA_VISIBLE_DEVICES"], [held.whose for held in holdings(leases, ["6", "7"])]))
        return load(folder, "cpu", dtype)

    monkeypatch.setattr(checkpoints, "load", loaded)
    assert chat(folder, monkeypatch=monkeypatch).exit_code == 0
    assert seen == [("cuda", "6", ["mill chat base", ""])]
    assert [held.is_held for held in holdings(leases, ["6", "7"])] == [False, False]
    held = lease_devices(leases, ["6", "7"], 2, "models/base")
    held.__enter__()
    threading.Timer(0.5, held.__exit__, (None, None, None)).start()
    found = chat(folder, monkeypatch=monkeypatch)
    assert found.exit_code == 0 and found.output.startswith("waits for GPUs that others hold; mill gpus tells who\n")
    for words in (("--device", "cpu"), ("--weights", "int4")):
        assert chat(folder, *words, monkeypatch=monkeypatch).exit_code == 0
    assert [device for device, *_ in seen] == ["cuda", "cuda", "cpu"], "rounded weights are not loaded"
    found = chat(folder, "--device", "cuda", "--weights", "int8", monkeypatch=monkeypatch)
    assert "--device cuda: the CPU computes with int8; leave out the device" in str(found.exception)
    monkeypatch.setattr("pipelines.terminal.devices.visible_gpus", list)
    assert "--device cuda: this machine has no GPU" in str(chat(folder, "--device", "cuda", monkeypatch=monkeypatch).exception)


@pytest.mark.parametrize("words", [("--tensor", "2"), ("--pipeline", "2")])
def test_processes_that_read_a_model_together_answer_the_same(words: tuple[str, ...], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, together = chat(folder, monkeypatch=monkeypatch), chat(folder, *words, monkeypatch=monkeypatch)
    assert together.exit_code == 0, (together.output, together.exception)
    assert together.output == whole.output and len(whole.output) > 40


def test_what_cannot_be_parted_is_refused_and_no_process_is_left(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = threading.enumerate()
    found = chat(folder, "--tensor", "3", monkeypatch=monkeypatch)
    assert found.exit_code != 0 and "2 key heads cannot be parted between 3 processes" in str(found.exception)
    assert [thread.name for thread in threading.enumerate() if "ThreadPool" in thread.name and thread not in before] == []


def test_a_process_that_is_lost_ends_the_conversation_and_says_why(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.terminal.answering.FOLLOWER", "tests.pipelines.commands.lost_follower")
    found = chat(folder, "--pipeline", "2", monkeypatch=monkeypatch)
    assert found.exit_code != 0 and "process 1 of the 2 that runs" in str(found.exception) and "the machine burns" in str(found.exception)
    assert not torch.distributed.is_initialized()


@pytest.mark.parametrize("words", [("--lookup",), ("--draft", "base"), ("--backend", "own", "--lookup")])
def test_answers_are_the_same_with_guesses_and_how_they_fared_is_told_at_the_end(
    words: tuple[str, ...], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, guessed = chat(folder, monkeypatch=monkeypatch), chat(folder, *words, monkeypatch=monkeypatch)
    assert guessed.exit_code == 0, (guessed.output, guessed.exception)
    assert guessed.output.startswith(plain.output)
    assert re.fullmatch(r"[1-9]\d* tokens guessed, \d+% of them right\n", guessed.output.removeprefix(plain.output))


def test_a_back_end_is_chosen_by_name_and_answers_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, found = chat(folder, monkeypatch=monkeypatch), chat(folder, "--backend", "transformers", monkeypatch=monkeypatch)
    assert found.exit_code == 0 and found.output == plain.output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--backend", "owl"), "no back end is named 'owl'; did you mean 'own'"),
        (("--weights", "int5"), "the back end own has no weights 'int5'; did you mean 'int"),
        (("--backend", "transformers", "--lookup"), "what was guessed cannot be taken back"),
        (("--lookup", "--draft", "base"), "lookup and draft: one of them guesses"),
        (("--draft", "bass"), "no model is named 'bass'; did you mean 'base'"),
        (("--lookup", "--pipeline", "2"), "a model is asked in one of these ways"),
    ],
)
def test_what_does_not_go_together_is_refused(words: tuple[str, ...], told: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = chat(folder, *words, monkeypatch=monkeypatch)
    assert found.exit_code != 0 and told in str(found.exception)


def test_memory_that_does_not_do_is_refused_with_what_does(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = chat(folder, "--memory", "1 MB", monkeypatch=monkeypatch)
    assert found.exit_code != 0 and "1,000,000 bytes are given" in str(found.exception)
    found = chat(folder, "--memory", "23MB", "--weights", "int8", monkeypatch=monkeypatch)
    assert found.exit_code != 0 and "a model is asked in one of these ways" in str(found.exception)
