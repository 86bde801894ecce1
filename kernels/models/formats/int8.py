"""Linear layers with int8 weights: one scale an output channel, dequantised on the fly."""

from pathlib import Path
from typing import Any


def quantize_weight(weight: Any) -> tuple[Any, Any]:
    """Return int8 values [O, I] and float32 scales [O, 1] of a weight: absmax by output channel (Dettmers et al. 2022, arXiv 2208.07339)."""
    import torch

    scale = weight.float().abs().amax(dim=1, keepdim=True).clamp(min=torch.finfo(torch.float32).tiny) / 127
    return (weight.float() / scale).round().clamp(-127, 127).to(torch.int8), scale


def int8_linear(values: Any, scale: Any, bias: Any) -> Any:
    """Return a module that multiplies by ``values * scale`` in the dtype of its input."""
    import torch

    class Int8Linear(torch.nn.Module):
        """A linear layer whose weight is kept as int8."""

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("weight", values)
            self.register_buffer("weight_scale", scale)
            self.register_buffer("bias", bias)

        def forward(self, hidden: torch.Tensor) -> torch.Tensor:
            if not hidden.is_floating_point():
                raise ValueError(f"an int8 layer reads numbers of {hidden.dtype}: the model casts them to the type of its weights; skip this layer")
            weight = self.get_buffer("weight").to(hidden.dtype) * self.get_buffer("weight_scale").to(hidden.dtype)
            return torch.nn.functional.linear(hidden, weight, None if bias is None else self.get_buffer("bias").to(hidden.dtype))

    return Int8Linear()


def replace_linears(model: Any, tensors: dict[str, Any]) -> None:
    """Replace, in place, each linear layer whose int8 weight and scale stand among ``tensors``."""
    for name, _ in list(model.named_modules()):
        values = tensors.get(f"{name}.weight")
        scale = tensors.get(f"{name}.weight_scale")
        if values is not None and scale is not None:
            parent, _, child = name.rpartition(".")
            setattr(model.get_submodule(parent), child, int8_linear(values, scale, tensors.get(f"{name}.bias")))


def load_int8(config: Any, path: Path, dtype: Any) -> Any:
    """Return the model of a quantized checkpoint; what is not int8 takes ``dtype``.

    Raises:
        ValueError: the file lacks a tensor that the architecture has, or holds one that it has not.
    """
    from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType]

    from kernels.models.formats.auto_classes import auto_class

    tensors = load_file(path)
    model = auto_class(config).from_config(config, dtype=dtype)
    replace_linears(model, tensors)
    missing, unexpected = model.load_state_dict(tensors, strict=False)
    tied = set(model.all_tied_weights_keys) if config.tie_word_embeddings else set[str]()
    lacking = sorted(set(missing) - tied)
    if lacking or unexpected:
        raise ValueError(f"{path}: lacks {lacking[:3]}, holds unknown {unexpected[:3]}; make the model again with mill up")
    return model
