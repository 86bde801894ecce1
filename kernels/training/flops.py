"""The work of a model as it trains: parameters that a token is multiplied by, and operations a token."""

from typing import Any, NamedTuple

from kernels.models.formats.fast import Trainable


class Flops(NamedTuple):
    """The work of a model."""

    num_matmul_parameters: int
    """Those that a token is multiplied by: the output layer among them, look-ups of embeddings not."""
    flops_per_token: int
    """Forwards and backwards (Chowdhery et al. 2022, arXiv 2204.02311, appendix B); causal attention is counted for the half that it computes."""


def count_flops(trainable: Trainable, length: int) -> Flops:
    """Return the work of a model on rows of a length."""
    shape, module = trainable.shape, trainable.module
    output = module.output_layer()
    looked_up = sum(parameter.numel() for name, parameter in module.named_parameters() if parameter.ndim >= 2 and "embed" in name)
    matrices = sum(parameter.numel() for parameter in module.parameters() if parameter.ndim >= 2) - looked_up
    matrices += output[0].numel() if output is not None and "embed" in _name_of(module, output[0]) else 0
    heads = int(getattr(shape, "num_attention_heads", 0) or 0)
    width = int(getattr(shape, "head_dim", 0) or (shape.hidden_size // heads if heads else 0))
    seen = length * (0.5 if trainable.attention == "causal" else 1.0)
    attention = 4 * int(shape.num_hidden_layers) * heads * width * seen
    return Flops(matrices, int(3 * (2 * matrices + attention)))


def _name_of(module: Any, parameter: Any) -> str:
    return next(name for name, other in module.named_parameters(remove_duplicate=False) if other is parameter)
