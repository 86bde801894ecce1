"""Megatron's state of a Llama as its processes hold it: matrices by tensor rank, layers by pipeline rank and stage; cut, and joined again.

Of tensor ranks each has whole groups of queries, its rows of gate and of up, and its columns of what leads out of a block (Shoeybi et al. 2019, arXiv
1909.08053); embeddings are padded so that each has as many rows. Of several stages a pipeline rank has every so manieth (Narayanan et al. 2021, arXiv
2104.04473).
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from kernels.models.blocks.decoder import DecoderShape
from kernels.models.formats.megatron import EMBEDDING, EXTRA, FC1, FC2, FINAL_NORM, LAYER, OUTPUT, PROJ


class Cut(NamedTuple):
    """How many processes hold a model in pieces."""

    tensor: int = 1
    pipeline: int = 1
    stages: int = 1
    """That each process of the pipeline holds: of several, its layers are those of every ``pipeline``-th piece."""


class Piece(NamedTuple):
    """Which piece: of the processes of a cut, and of the stages of one."""

    tensor: int
    pipeline: int
    stage: int = 0


def padded_vocabulary(vocab_size: int, divisible_by: int, tensor: int) -> int:
    """Return how many rows the embedding has where each process is to have a multiple of some."""
    multiple = divisible_by * tensor
    return -(-vocab_size // multiple) * multiple


def cut(state: Mapping[str, Any], stack: DecoderShape, by: Cut, divisible_by: int = 128) -> dict[Piece, dict[str, Any]]:
    """Return what each process holds of a whole state: the layers of its stages, numbered from 0 in each, and its rows or columns of each matrix.

    Args:
        state: of `to_megatron`.
        stack: the model's sizes.
        by: how many processes.
        divisible_by: rows of the embedding that each process has a multiple of; what is added is 0.

    Raises:
        ValueError: layers, key heads or neurons are no whole number for each.
    """
    import torch

    for what, count, parts in (
        ("layers", stack.num_layers, by.pipeline * by.stages),
        ("key heads", stack.num_kv_heads, by.tensor),
        ("neurons", stack.inner_width, by.tensor),
    ):
        if count % parts:
            raise ValueError(f"{count} {what} cannot be shared alike by {parts}; take a divisor of {count}")
    padding = padded_vocabulary(stack.vocab_size, divisible_by, by.tensor) - stack.vocab_size
    last = (by.pipeline - 1, by.stages - 1)
    found: dict[Piece, dict[str, Any]] = {}
    for piece in pieces_of(by):
        held = found[piece] = {}
        place = (piece.pipeline, piece.stage)
        for name, tensor in state.items():
            if name in (EMBEDDING, OUTPUT):
                if place in {EMBEDDING: ((0, 0),), OUTPUT: (last,)}[name]:
                    held[name] = torch.nn.functional.pad(tensor, (0, 0, 0, padding)).chunk(by.tensor)[piece.tensor]
                if name == EMBEDDING and stack.tied and place == last != (0, 0):
                    held[OUTPUT] = torch.nn.functional.pad(tensor, (0, 0, 0, padding)).chunk(by.tensor)[piece.tensor]
            elif name == FINAL_NORM:
                held |= {name: tensor} if place == last else {}
            elif (number := int(name.removeprefix(LAYER).split(".")[0]) - _first_layer(piece, by, stack)) in range(_layers_each(by, stack)):
                kind = name.removeprefix(LAYER).split(".", 1)[1]
                held[f"{LAYER}{number}.{kind}"] = _part(kind, tensor, piece.tensor, by.tensor)
    return found


def joined(pieces: Mapping[Piece, Mapping[str, Any]], stack: DecoderShape, by: Cut) -> dict[str, Any]:
    """Return the whole state of what the processes of a cut hold; the vocabulary stays padded.

    Raises:
        KeyError: a piece lacks, or a tensor of one.
    """
    found: dict[str, Any] = {}
    for first in pieces_of(by._replace(tensor=1)):
        alike = [pieces[first._replace(tensor=number)] for number in range(by.tensor)]
        for name in alike[0]:
            if name.endswith(EXTRA) or (name == OUTPUT and stack.tied):
                continue
            if not name.startswith(LAYER):
                found[name] = _whole(name, [piece[name] for piece in alike])
                continue
            number, kind = name.removeprefix(LAYER).split(".", 1)
            found[f"{LAYER}{int(number) + _first_layer(first, by, stack)}.{kind}"] = _whole(kind, [piece[name] for piece in alike])
    return found


def pieces_of(by: Cut) -> Iterable[Piece]:
    """Return the pieces of a cut, one behind the other."""
    return [Piece(t, p, s) for s in range(by.stages) for p in range(by.pipeline) for t in range(by.tensor)]


def _layers_each(by: Cut, stack: DecoderShape) -> int:
    return stack.num_layers // (by.pipeline * by.stages)


def _first_layer(piece: Piece, by: Cut, stack: DecoderShape) -> int:
    return (piece.stage * by.pipeline + piece.pipeline) * _layers_each(by, stack)


def _part(kind: str, tensor: Any, number: int, count: int) -> Any:
    """Return a process's part of a tensor of a layer: columns of what leads out of a block, rows of gate and of up, rows of the rest, norms whole."""
    import torch

    if tensor.ndim == 1:
        return tensor
    if kind in (PROJ, FC2):
        return tensor.chunk(count, dim=1)[number].contiguous()
    halves = tensor.chunk(2) if kind == FC1 else (tensor,)
    return torch.cat([half.chunk(count)[number] for half in halves])


def _whole(kind: str, parts: list[Any]) -> Any:
    import torch

    if parts[0].ndim == 1:
        return parts[0]
    if kind in (PROJ, FC2):
        return torch.cat(parts, dim=1)
    if kind != FC1:
        return torch.cat(parts)
    halves = [part.chunk(2) for part in parts]
    return torch.cat([half for side in range(2) for half in (pair[side] for pair in halves)])
