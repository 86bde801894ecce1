"""adapter_config.json as peft 0.21 writes it (peft/tuners/lora/config.py): which layers a LoRA adapter changes, and by how much."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, PositiveInt, ValidationError

from kernels.specs.names import nearest

HARMLESS = frozenset(
    {
        "auto_mapping",
        "base_model_name_or_path",
        "eva_config",
        "fan_in_fan_out",
        "inference_mode",
        "lora_dropout",
        "megatron_core",
        "peft_version",
        "qalora_group_size",
        "revision",
        "task_type",
    }
)
"""What tells how an adapter was made, and changes nothing of what it adds: ``fan_in_fan_out`` is about merging, since A is [r, in] and B [out, r] in
files whichever way the base's own matrix lies."""
_Value = TypeVar("_Value")


class Settings(BaseModel):
    """What counts of an adapter's config, by peft's names."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    peft_type: Literal["LORA"]
    r: PositiveInt
    lora_alpha: float
    use_rslora: bool = False
    target_modules: str | list[str]
    exclude_modules: str | list[str] | None = None
    layers_to_transform: int | list[int] | None = None
    layers_pattern: str | list[str] | None = None
    rank_pattern: dict[str, PositiveInt] = {}
    alpha_pattern: dict[str, float] = {}
    bias: Literal["none"] = "none"
    init_lora_weights: bool | Literal["gaussian", "orthogonal", "eva"] = True
    """Other ways to begin change the base, so that what the adapter adds to it would be wrong."""

    def rank(self, layer: str) -> int:
        """Return the rank of a layer's product."""
        return _of_pattern(self.rank_pattern, layer, self.r)

    def scale(self, layer: str) -> float:
        """Return what a layer's product is multiplied by."""
        rank = self.rank(layer)
        return _of_pattern(self.alpha_pattern, layer, self.lora_alpha) / (rank**0.5 if self.use_rslora else rank)

    def targeted(self, path: Path, layers: Iterable[str]) -> list[str]:
        """Return which of some layers the adapter changes.

        Args:
            path: of the config.
            layers: names of the base's linear layers.

        Raises:
            ValueError: a target or a pattern is no regular expression, or matches none of them (names it).
        """
        names = list(layers)
        try:
            found = [name for name in names if self._is_targeted(name)]
            for key, patterns in (("rank_pattern", self.rank_pattern), ("alpha_pattern", self.alpha_pattern)):
                for pattern in patterns:
                    if not any(_matches(pattern, name) for name in found):
                        raise ValueError(f"{path}: {key}: {pattern!r} matches no layer that the adapter changes; take it out")
        except re.error as error:
            raise ValueError(f"{path}: {error.pattern!r} is no regular expression ({error.msg}); correct it") from error
        targets, is_pattern = self.target_modules, isinstance(self.target_modules, str)
        for target in [targets] if isinstance(targets, str) else targets:
            if not any(is_pattern or _ends(name, target) for name in found):
                known = {name.rpartition(".")[2] for name in names}
                words = f"{target!r} matches no linear layer in a block of the base, or none that is left"
                raise ValueError(f"{path}: target_modules: {words}; {nearest(target, known)}")
        return found

    def _is_targeted(self, name: str) -> bool:
        """Return whether a layer is changed: peft's ``check_target_module_exists``."""
        excluded, targets = self.exclude_modules, self.target_modules
        if excluded and (re.fullmatch(excluded, name) if isinstance(excluded, str) else any(_ends(name, each) for each in excluded)):
            return False
        if isinstance(targets, str):
            return re.fullmatch(targets, name) is not None
        if not any(_ends(name, each) for each in targets):
            return False
        numbers = [self.layers_to_transform] if isinstance(self.layers_to_transform, int) else self.layers_to_transform
        if not numbers or name in targets:
            return True
        patterns = [self.layers_pattern] if isinstance(self.layers_pattern, str) else self.layers_pattern or [r"[^.]*"]
        matches = (re.match(rf"(?:.*?\.)?{pattern}\.(?P<number>\d+)\.", name) for pattern in patterns)
        first = next((match for match in matches if match is not None), None)
        return first is not None and int(first["number"]) in numbers


def read_settings(path: Path) -> Settings:
    """Return what an adapter's config says.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is no JSON, or asks for more than LoRA on linear layers (names what).
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: an adapter has this file; give the folder that peft's save_pretrained wrote")
    try:
        found = Settings.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: it is no JSON ({error}); save the adapter anew") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the config"
        words = f"{where}: {first['msg']}, not {first['input']!r}" if first["type"] != "missing" else f"{where} is not there"
        raise ValueError(f"{path}: {words}; served adapters are LoRA or rsLoRA on linear layers alone") from error
    extra: dict[str, Any] = found.model_extra or {}
    more = {name: value for name, value in extra.items() if value and name not in HARMLESS}
    if more:
        told = ", ".join(f"{name} = {value!r}" for name, value in sorted(more.items()))
        raise ValueError(f"{path}: {told}: served adapters are LoRA or rsLoRA on linear layers alone; merge this one into its base")
    return found


def _of_pattern(patterns: Mapping[str, _Value], layer: str, otherwise: _Value) -> _Value:
    return next((value for pattern, value in patterns.items() if _matches(pattern, layer)), otherwise)


def _matches(pattern: str, layer: str) -> bool:
    """Return whether a pattern of ranks means a layer: peft's ``get_pattern_key``."""
    return re.match(rf"(.*\.)?({pattern})$", layer) is not None


def _ends(name: str, target: str) -> bool:
    return name == target or name.endswith(f".{target}")
