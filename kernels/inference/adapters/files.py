"""A LoRA adapter (Hu et al. 2021, arXiv 2106.09685) as Hugging Face's peft writes it: adapter_config.json and adapter_model.safetensors.

Where a linear layer gives W x, it gives W x + s B A x with the adapter: s is lora_alpha / r, or lora_alpha / sqrt(r) (rsLoRA, Kalajdzievski 2023,
arXiv 2312.03732). What an adapter has beyond that is refused by its name. Shape letters: see adding.py.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kernels.inference.adapters.adding import LowRank, Place
from kernels.inference.adapters.settings import Settings, read_settings

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_PREFIX, _DOWN, _UP = "base_model.model.", ".lora_A.weight", ".lora_B.weight"
_SHOWN = 3


def read(folder: Path, places: Mapping[str, Place]) -> dict[str, LowRank]:
    """Return the products of a folder's adapter, float32, by the names of the layers that they are added to.

    Args:
        folder: of the two files.
        places: linear layers of the base by their names.

    Raises:
        FileNotFoundError: one of the files is not there.
        ValueError: the adapter is more than LoRA on linear layers, or does not fit the base, or a file cannot be read (names what).
    """
    settings = read_settings(folder / CONFIG)
    layers = settings.targeted(folder / CONFIG, list(places))
    tensors = _tensors(folder / WEIGHTS)
    expected = {f"{_PREFIX}{layer}{end}" for layer in layers for end in (_DOWN, _UP)}
    for what, names in (("lacks", expected - set(tensors)), ("has, and no targeted linear layer of the base takes,", set(tensors) - expected)):
        if names:
            more = f" and {len(names) - _SHOWN} others" if len(names) > _SHOWN else ""
            raise ValueError(f"{folder / WEIGHTS}: it {what} {', '.join(sorted(names)[:_SHOWN])}{more}; is it an adapter of another base?")
    return {layer: _product(folder / WEIGHTS, tensors, layer, places[layer], settings) for layer in layers}


def _tensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType]

    if not path.is_file():
        raise FileNotFoundError(f"{path}: an adapter has this file; save it with safe_serialization=True")
    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path}: it is no safetensors file, or is cut off ({error}); copy it anew") from error


def _product(path: Path, tensors: Mapping[str, Any], layer: str, place: Place, settings: Settings) -> LowRank:
    rank = settings.rank(layer)
    found = [tensors[f"{_PREFIX}{layer}{end}"] for end in (_DOWN, _UP)]
    for tensor, shape, end in zip(found, ((rank, place.num_in), (place.num_out, rank)), (_DOWN, _UP), strict=True):
        if tuple(tensor.shape) != shape or not tensor.is_floating_point():
            told = f"{list(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')}"
            raise ValueError(f"{path}: {_PREFIX}{layer}{end} is {told}, and the base and rank {rank} take {list(shape)} of floating point")
    return LowRank(found[0].float(), found[1].float() * settings.scale(layer))
