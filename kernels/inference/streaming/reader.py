"""What reads by a decoder whose layers pass through memory: the reader of our decoders, which is given them one by one."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from kernels.inference.cache.pages import PAGE
from kernels.inference.readers.paged_decoder import PagedDecoder
from kernels.inference.streaming.layers import InMemory, OnGpu, PassingLayers
from kernels.inference.streaming.plan import Most, Plan, Sizes, cache_bytes, planned, step_bytes
from kernels.inference.streaming.weights import LAYER, Weights

if TYPE_CHECKING:
    from kernels.inference.streaming.layers import Buffer


class Within(NamedTuple):
    """A checkpoint that is asked within some memory."""

    folder: Path
    num_bytes: int
    """That weights, keys and values and what is computed with may take, of the device that computes."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """That is computed in."""


def streamed_reader(config: Any, within: Within, most: Most, device: str) -> PagedDecoder:
    """Return what reads by the decoder of a folder as if it was there whole.

    Args:
        config: of the checkpoint.
        within: which memory.
        most: that is kept and passes.
        device: that computes.

    Raises:
        ValueError: the memory does not do (names what is given and what is needed), or the model is no decoder of ours.
    """
    import torch

    dtype = getattr(torch, within.dtype)
    weights = Weights(config, within.folder, dtype)
    plan = planned(sizes_of(weights, most, dtype.itemsize), within.num_bytes)
    weights.fill_outside(device)
    return PagedDecoder(weights.module, -(-most.kept_tokens // PAGE), dtype, _layers(weights, plan, device))


def sizes_of(weights: Weights, most: Most, item_bytes: int) -> Sizes:
    """Return what a model takes that computes in numbers of so many bytes."""
    shape = weights.module.shape
    return Sizes(
        num_layers=shape.num_layers,
        layer=weights.size_bytes(LAYER.format(0)),
        outside=weights.size_bytes(None),
        cache=cache_bytes(shape, most.kept_tokens, item_bytes),
        step=step_bytes(shape, most, item_bytes) + weights.largest_cast_bytes,
    )


def _layers(weights: Weights, plan: Plan, device: str) -> PassingLayers:
    staying: list[Any] = [None if layer in plan.passing else weights.empty_layer(device) for layer in range(weights.module.shape.num_layers)]
    for layer, block in enumerate(staying):
        if block is not None:
            weights.fill_layer(block, layer)
    return PassingLayers(staying, _buffers(weights, plan.num_buffers, device))


def _buffers(weights: Weights, count: int, device: str) -> "list[Buffer]":
    import torch

    if torch.device(device).type != "cuda":
        return [InMemory(weights) for _ in range(count)]
    stream = torch.cuda.Stream(device)
    return [OnGpu(weights, device, stream) for _ in range(count)]
