"""What is no LoRA on linear layers of the base is refused by its name, and nothing is passed over."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file

from kernels.inference.adapters.files import CONFIG, WEIGHTS, read
from kernels.inference.readers.paged_transformers import PagedTransformers
from tests.kernels.inference.adapters.peft_adapters import ATTENTION, BASES

PLAIN: dict[str, Any] = {"r": 4, "lora_alpha": 8, "target_modules": ATTENTION}
FIRST = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"
pytestmark = [
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning", "ignore:The following .* keys did not match:RuntimeWarning"),  # of what peft is asked for here
]


@pytest.fixture(scope="module")
def base() -> Any:
    return BASES["Qwen2"]()


def put(folder: Path, **settings: Any) -> Path:
    get_peft_model(BASES["Qwen2"](), LoraConfig(**{**PLAIN, **settings})).save_pretrained(folder)
    return folder


def found(base: Any, folder: Path) -> Any:
    return read(folder, PagedTransformers(base, 1).places())


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"use_dora": True}, "use_dora = True: served adapters are LoRA or rsLoRA on linear layers alone"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save = \\['lm_head'\\]"),
        ({"bias": "all"}, "bias: Input should be 'none', not 'all'"),
        ({"bias": "lora_only"}, "bias: Input should be 'none', not 'lora_only'"),
        ({"lora_bias": True}, "lora_bias = True"),
        ({"trainable_token_indices": [3]}, "trainable_token_indices = "),
        ({"init_lora_weights": "pissa"}, "init_lora_weights.*'pissa'"),
        ({"target_modules": ["q_proj", "embed_tokens"]}, "target_modules: 'embed_tokens' matches no linear layer in a block of the base"),
        ({"target_modules": ["q_proj", "lm_head"]}, "target_modules: 'lm_head' matches no linear layer in a block of the base"),
        ({"rank_pattern": {"down_proj": 2}}, "rank_pattern: 'down_proj' matches no layer that the adapter changes"),
        ({"alpha_pattern": {"up_proj": 2}}, "alpha_pattern: 'up_proj' matches no layer that the adapter changes"),
    ],
)
def test_what_peft_writes_and_is_more_than_lora_on_linear_layers_is_refused(settings: dict[str, Any], told: str, base: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=told):
        found(base, put(tmp_path, **settings))


def rewritten(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], object]:
    def rewrite(folder: Path) -> None:
        told = json.loads((folder / CONFIG).read_text())
        change(told)
        (folder / CONFIG).write_text(json.dumps(told))

    return rewrite


def exchanged(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], object]:
    def exchange(folder: Path) -> None:
        tensors = load_file(folder / WEIGHTS)
        change(tensors)
        save_file(tensors, folder / WEIGHTS)

    return exchange


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (rewritten(lambda told: told.update(target_modules=["q_proj", "wq"])), "target_modules: 'wq' matches no linear layer"),
        (rewritten(lambda told: told.update(target_modules="q_proj")), "target_modules: 'q_proj' matches no linear layer"),
        (rewritten(lambda told: told.update(target_modules="*")), "'\\*' is no regular expression"),
        (rewritten(lambda told: told.update(peft_type="LOHA")), "peft_type: Input should be 'LORA', not 'LOHA'"),
        (rewritten(lambda told: told.update(use_of_tomorrow=1)), "use_of_tomorrow = 1: served adapters are"),
        (rewritten(lambda told: told.pop("r")), "r is not there"),
        (
            rewritten(lambda told: told.update(r=5)),
            "q_proj.lora_A.weight is \\[4, 32\\] float32, and the base and rank 5 take \\[5, 32\\]",
        ),
        (rewritten(lambda told: told.update(layers_to_transform=[1])), f"it has, and no targeted linear layer of the base takes, {FIRST}"),
        (exchanged(lambda tensors: tensors.pop(FIRST)), f"it lacks {FIRST}; is it an adapter of another base?"),
        (exchanged(lambda tensors: tensors.update(more=tensors[FIRST].clone())), "takes, more; is it"),
        (exchanged(lambda tensors: tensors.update({FIRST: tensors[FIRST].int()})), "q_proj.lora_A.weight is \\[4, 32\\] int32"),
        (lambda folder: (folder / WEIGHTS).write_bytes(b"no tensors"), "it is no safetensors file, or is cut off"),
        (lambda folder: (folder / CONFIG).write_text("{"), "it is no JSON"),
    ],
)
def test_a_folder_that_does_not_fit_is_refused(change: Callable[[Path], object], told: str, base: Any, tmp_path: Path) -> None:
    folder = put(tmp_path)
    found(base, folder)
    change(folder)
    with pytest.raises(ValueError, match=told):
        found(base, folder)


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
def test_a_file_that_is_not_there_is_named(name: str, base: Any, tmp_path: Path) -> None:
    folder = put(tmp_path)
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=name):
        found(base, folder)


def test_an_adapter_of_a_base_of_other_sizes_is_refused(tmp_path: Path) -> None:
    folder = put(tmp_path)
    with pytest.raises(ValueError, match="matches no linear layer in a block of the base"):
        found(BASES["GPT-2"](), folder)
