"""Adapters of random numbers as peft writes them, and the models that peft makes of them and their base."""

import copy
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model

from tests.kernels.models.blocks.test_wrapped import SIZES
from tests.kernels.models.blocks.test_wrapped import made as made_by_transformers

ENDS = {"bos_token_id": 1, "eos_token_id": 2}
BASES: dict[str, Any] = {
    "Llama": lambda: made_by_transformers("Llama", **SIZES),
    "Qwen2": lambda: made_by_transformers("Qwen2", **SIZES),
    "GPT-2": lambda: made_by_transformers("GPT2", vocab_size=64, n_embd=32, n_layer=2, n_head=4, n_positions=64, initializer_range=0.3, **ENDS),
}
ATTENTION, ALL = ["q_proj", "v_proj"], ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
KINDS: dict[str, dict[str, dict[str, Any]]] = {
    **{
        base: {
            "one": {"r": 4, "lora_alpha": 8, "target_modules": ATTENTION},
            "two": {
                "r": 3,
                "lora_alpha": 6,
                "target_modules": ALL,
                "use_rslora": True,
                "rank_pattern": {"v_proj": 5},
                "alpha_pattern": {"1.mlp.*": 9},
            },
            "three": {"r": 2, "lora_alpha": 2, "target_modules": r".*\.(k|down|gate)_proj", "init_lora_weights": "gaussian"},
        }
        for base in ("Llama", "Qwen2")
    },
    "GPT-2": {
        "one": {"r": 4, "lora_alpha": 8, "target_modules": ["c_attn"], "fan_in_fan_out": True},
        "two": {"r": 3, "lora_alpha": 6, "target_modules": ["c_attn", "c_proj", "c_fc"], "fan_in_fan_out": True, "use_rslora": True},
        "three": {"r": 2, "lora_alpha": 2, "target_modules": ["c_proj"], "fan_in_fan_out": True, "layers_to_transform": [1]},
    },
}


def put(base: Any, folder: Path, seed: int, **settings: Any) -> Any:
    """Write an adapter of a base, and return the model that both make, merged by peft."""
    adapted: Any = get_peft_model(copy.deepcopy(base), LoraConfig(**settings))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_" in name:
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.1)
    adapted.save_pretrained(folder)
    return adapted.merge_and_unload().eval()


def put_all(kind: str, folder: Path) -> tuple[Any, dict[str | None, Any]]:
    """Write the adapters of a kind of base by their names; return the base, and what answers by each name and by none."""
    base = BASES[kind]()
    return base, {None: base, **{name: put(base, folder / name, seed, **settings) for seed, (name, settings) in enumerate(KINDS[kind].items())}}
