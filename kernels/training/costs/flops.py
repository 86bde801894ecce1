"""The work of a model as it trains: parameters that a token is multiplied by, and operations a token and a row."""

from typing import Any, NamedTuple

from kernels.models.formats.fast import Trainable, counts_of


class Flops(NamedTuple):
    """The work of a model."""

    num_matmul_parameters: int
    """Those that a token is multiplied by, or a patch where rows hold images: the output layer among them, look-ups of embeddings not."""
    flops_per_token: int
    """Forwards and backwards (Chowdhery et al. 2022, arXiv 2204.02311, appendix B), of a position that the model reads, be it by an encoder or a
    decoder; causal attention is counted for the half that it computes."""
    flops_per_row: int
    """Of all positions that a row of the mixture comes to."""
    num_output_parameters: int
    """Of those that a token is multiplied by, those of the output layer."""


def count_flops(trainable: Trainable, num_inputs: int, num_decoder: int = 0, num_images: int = 0) -> Flops:
    """Return the work of a model on rows of a length: as its family tells it (`kernels.specs.architectures.Counts`), else by its matrices.

    Args:
        trainable: the model.
        num_inputs: positions that the one stack reads, or the encoder.
        num_decoder: positions that a decoder apart reads.
        num_images: images of a row.

    Raises:
        ValueError: rows hold images, and the model is no family's that tells what it does with them.
    """
    counts = counts_of(trainable.shape) if trainable.is_own else None
    if counts is None:
        if num_images:
            raise ValueError(f"{trainable.shape.model_type}: the work of a model that reads images is known of our own modules alone; train llava")
        return _of_matrices(trainable, num_inputs)
    per_row = counts.flops_per_row(num_inputs, num_decoder, num_images)
    num_matmul = counts.num_matmul_parameters + (counts.image.num_matmul_parameters if counts.image is not None and num_images else 0)
    return Flops(num_matmul, int(per_row / (num_inputs + num_decoder)), int(per_row), counts.vocab_size * counts.hidden_size)


def _of_matrices(trainable: Trainable, length: int) -> Flops:
    """Return the work of a causal decoder of Transformers of whatever family: all matrices are passed, and all layers attend to whole rows."""
    shape, module = trainable.shape, trainable.module
    output = module.output_layer()
    looked_up = sum(parameter.numel() for name, parameter in module.named_parameters() if parameter.ndim >= 2 and "embed" in name)
    matrices = sum(parameter.numel() for parameter in module.parameters() if parameter.ndim >= 2) - looked_up
    matrices += output[0].numel() if output is not None and "embed" in _name_of(module, output[0]) else 0
    heads = int(getattr(shape, "num_attention_heads", 0) or 0)
    width = int(getattr(shape, "head_dim", 0) or (shape.hidden_size // heads if heads else 0))
    attention = 4 * int(shape.num_hidden_layers) * heads * width * length * 0.5
    per_token = 3 * (2 * matrices + attention)
    return Flops(matrices, int(per_token), int(per_token * length), output[0].numel() if output is not None else 0)


def _name_of(module: Any, parameter: Any) -> str:
    return next(name for name, other in module.named_parameters(remove_duplicate=False) if other is parameter)
