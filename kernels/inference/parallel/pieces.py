"""Which blocks of a decoder a process holds, and which heads and neurons of them (Shoeybi et al. 2019, arXiv 1909.08053, section 3).

A matrix that makes heads or neurons is cut by its rows, one that reads them by its columns; what the latter give is summed. Blocks that follow each
other are of one process; where their number cannot be parted evenly, some have one more.
"""

from typing import TYPE_CHECKING, Any

from kernels.inference.parallel.seats import Seat

if TYPE_CHECKING:
    from kernels.inference.streaming.weights import Weights
    from kernels.models.blocks.decoder import Block, DecoderShape

COLUMNS = ("out.weight", "down.weight")


def layers_of(seat: Seat, num_layers: int) -> range:
    """Return the blocks of a process's stage.

    Raises:
        ValueError: there are fewer than stages.
    """
    if num_layers < seat.num_stages:
        raise ValueError(f"pipeline: {num_layers} layers cannot be parted between {seat.num_stages} processes; take {num_layers} or fewer")
    return range(num_layers * seat.stage // seat.num_stages, num_layers * (seat.stage + 1) // seat.num_stages)


def narrowed(seat: Seat, shape: "DecoderShape") -> "DecoderShape":
    """Return the shape of what a process holds.

    Raises:
        ValueError: key heads or neurons cannot be parted into so many parts, or layers (names which).
    """
    count = seat.num_parts
    for what, number in (("key heads", shape.num_kv_heads), ("neurons", shape.inner_width)):
        if number % count:
            raise ValueError(f"tensor: {number} {what} cannot be parted between {count} processes; take a divisor of {number}")
    return shape._replace(
        num_layers=len(layers_of(seat, shape.num_layers)),
        num_heads=shape.num_heads // count,
        num_kv_heads=shape.num_kv_heads // count,
        inner_width=shape.inner_width // count,
    )


def pieces(seat: Seat, weights: "Weights", device: str, dtype: Any) -> "list[Block]":
    """Return the blocks of a process, read from a checkpoint's files; never more than one whole block is there beside them.

    Raises:
        ValueError: see `narrowed`.
    """
    from kernels.models.architectures.llama import splits

    shape = narrowed(seat, weights.module.shape)
    rows = {name.removeprefix("*."): sizes for name, sizes in splits(weights.module.shape).items()}
    whole, found = weights.empty_layer("cpu"), list["Block"]()
    for layer in layers_of(seat, weights.module.shape.num_layers):
        weights.fill_layer(whole, layer)
        found.append(_piece(whole, shape, rows, seat).to(device=device, dtype=dtype))
    return found


def _piece(whole: "Block", shape: "DecoderShape", rows: dict[str, tuple[int, ...]], seat: Seat) -> "Block":
    """Return what a process holds of a block, with sums where others hold the rest."""
    import torch

    from kernels.models.blocks.decoder import Block

    with torch.device("meta"):
        block = Block(shape).eval()
    for name, parameter in whole.named_parameters():
        held: Any = parameter.detach()
        if name in rows:
            held = torch.cat([part.chunk(seat.num_parts)[seat.part] for part in held.split(list(rows[name]))])
        elif name in COLUMNS:
            held = held.chunk(seat.num_parts, 1)[seat.part]
        owner, _, inner = name.rpartition(".")
        setattr(block.get_submodule(owner), inner, torch.nn.Parameter(held.clone(), requires_grad=False))
    for linear in (block.out, block.down):
        linear.register_forward_hook(lambda _, given, output: seat.summed(output))
    return block


def unneeded(seat: Seat, *, tied: bool) -> frozenset[str]:
    """Return what a process needs none of beside blocks, by the names of a decoder's parameters."""
    entering, leaving = {"embedding", "position_embedding"}, {"embedding" if tied else "output_embedding"}
    needed = (entering if seat.is_first else set[str]()) | (leaving if seat.is_last else set[str]())
    return frozenset((entering | leaving) - needed)
