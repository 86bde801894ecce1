"""What answers by a checkpoint where nobody says it, where that computes, and how much of the checkpoint is loaded for it."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kernels.inference.backends import vllm
from kernels.inference.backends.choosing import Choice, is_of_cpu, loaded, usual
from kernels.models.architectures.llama import LlamaConfig
from kernels.models.formats import checkpoints
from tests.small_models import put_llama


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sizes: dict[str, Any] = {"hidden_size": 32, "num_layers": 1, "num_heads": 2, "num_kv_heads": 1, "intermediate_size": 32}
    shape = LlamaConfig(kind="llama", max_position_embeddings=64, tie_embeddings=True, **sizes)
    return put_llama(tmp_path_factory.mktemp("saved"), shape, "a cat sat on a mat")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What is loaded whole, and how, in place of loading it."""
    found: list[tuple[str, str]] = []

    def load(folder: Path, device: str, dtype: str = "float32") -> Any:
        found.append((device, dtype))
        return SimpleNamespace(device=device)

    monkeypatch.setattr(checkpoints, "load", load)
    return found


def installed(is_there: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vllm, "SPEC", replace(vllm.SPEC, lacking=lambda: None if is_there else "it is not here"))


@pytest.mark.parametrize(
    ("choice", "device", "has_vllm", "expected"),
    [
        (Choice(), "cpu", True, "own"),
        (Choice(), "cuda", False, "own"),
        (Choice(), "cuda", True, "vllm"),
        (Choice(weights="bfloat16"), "cuda", True, "vllm"),
        (Choice(weights="int8"), "cuda", True, "own"),
        (Choice(is_invariant=True), "cuda", True, "own"),
        (Choice(guessing=lambda *_: SimpleNamespace()), "cuda", True, "own"),  # pyright: ignore[reportArgumentType]
    ],
)
def test_on_a_gpu_vllm_answers_where_it_is_there_and_can(
    choice: Choice, device: str, has_vllm: bool, expected: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(has_vllm, monkeypatch)
    assert usual(folder, device, choice) == expected


def test_vllm_is_left_out_where_it_cannot_express_the_model(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(True, monkeypatch)
    monkeypatch.setattr(vllm, "fault", lambda lm, manner: "it cannot")
    assert usual(folder, "cuda", Choice()) == "own"


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (Choice("own"), ("cuda", "float32")),
        (Choice("own", "bfloat16"), ("cuda", "bfloat16")),
        (Choice("transformers"), ("cuda", "float32")),
        (Choice("llama_cpp"), ("cuda", "float32")),
    ],
)
def test_a_checkpoint_is_loaded_where_and_as_its_back_end_computes(
    choice: Choice, expected: tuple[str, str], folder: Path, asked: list[tuple[str, str]]
) -> None:
    name, _ = loaded(folder, "cuda", choice)
    assert (name, asked) == (choice.backend, [expected])


@pytest.mark.parametrize("choice", [Choice("own", "int4"), Choice("vllm"), Choice("vllm", "bfloat16")])
def test_of_what_a_back_end_reads_itself_the_outline_is_enough(choice: Choice, folder: Path, asked: list[tuple[str, str]]) -> None:
    name, lm = loaded(folder, "cpu", choice)
    assert (name, lm.weights_in, asked) == (choice.backend, folder, [])
    assert {parameter.device.type for parameter in lm.model.parameters()} == {"meta"}


def test_what_cannot_be_rounded_is_loaded_and_refused_by_who_opens_it(
    folder: Path, asked: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kernels.inference.backends.own.can_be_rounded", lambda _: False)
    loaded(folder, "cpu", Choice(weights="int4"))
    assert asked == [("cpu", "float32")]


def test_what_the_cpu_computes_is_known_before_anything_is_loaded() -> None:
    assert [is_of_cpu(choice) for choice in (Choice(), Choice("own", "bfloat16"), Choice("vllm"))] == [False] * 3
    assert [is_of_cpu(choice) for choice in (Choice(weights="int8"), Choice("llama_cpp"))] == [True] * 2
    with pytest.raises(ValueError, match="the back end own has no weights 'Q4_0'"):
        is_of_cpu(Choice(weights="Q4_0"))
    with pytest.raises(ValueError, match="no back end is named 'lama_cpp'; did you mean 'llama_cpp'"):
        is_of_cpu(Choice("lama_cpp"))
