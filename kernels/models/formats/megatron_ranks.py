"""Folders of Megatron's older checkpoints (``--ckpt-format torch``): a file a process, ``mp_rank_TT[_PPP]/model_optim_rng.pt``, joined to one state.

The files are pickles, and are opened as tensors, plain values and the settings' own type alone. These mostly hold types of Megatron's beside,
so that most of what it saves in this way is refused: ``torch_dist`` is the way (megatron_folders.py).
"""

import argparse
import re
from pathlib import Path
from typing import Any

from kernels.models.blocks.decoder import DecoderShape
from kernels.models.formats.megatron_pieces import Cut, Piece, joined

FILE, FOLDER, STATE = "model_optim_rng.pt", re.compile(r"mp_rank_(\d\d)(?:_(\d\d\d))?"), re.compile(r"model(\d*)")


def read(folder: Path, stack: DecoderShape) -> dict[str, Any]:
    """Return the whole state that the processes of a checkpoint hold between them, its vocabulary padded as theirs.

    Raises:
        FileNotFoundError: the folder holds no such checkpoint.
        ValueError: a file holds more than tensors, plain values and settings, so that it is not opened; or a process's file or tensor lacks.
    """
    found: dict[Piece, dict[str, Any]] = {}
    for place in sorted(folder.iterdir()) if folder.is_dir() else []:
        if (ranks := FOLDER.fullmatch(place.name)) is not None:
            for key, state in _states(place / FILE).items():
                found[Piece(int(ranks[1]), int(ranks[2] or 0), int(key or 0))] = state
    if not found:
        raise FileNotFoundError(f"{folder}: holds no checkpoint of Megatron; name the folder that --save named, or of one checkpoint in it")
    by = Cut(*(max(numbers) + 1 for numbers in zip(*found, strict=True)))
    try:
        return joined(found, stack, by)
    except KeyError as error:
        raise ValueError(f"{folder}: of the pieces of {by.tensor} x {by.pipeline} processes lacks {error}; copy all that Megatron saved") from error


def _states(path: Path) -> dict[str, dict[str, Any]]:
    """Return the states of a file by the number of their stage, of one alone by no number."""
    import pickle

    import torch

    try:
        with torch.serialization.safe_globals([argparse.Namespace]):
            found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        told = "holds more than tensors and plain settings, so that it is not opened"
        raise ValueError(f"{path}: {told}; have Megatron save it by --ckpt-format torch_dist") from error
    return {match[1]: state for key, state in found.items() if (match := STATE.fullmatch(key)) is not None}
