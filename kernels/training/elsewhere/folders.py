"""The folder of a launch: what another trainer is to read, the model in our form as far as weights do not matter, and what it trained, brought back.

``launch.sh`` starts it from wherever the folder lies; ``model/`` holds config and tokenizer, which a trained checkpoint gets back.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np

from kernels.models.architectures.llama import stack_of
from kernels.models.blocks.decoder import DecoderShape
from kernels.models.formats import bmtrain as bmtrain_format
from kernels.models.formats import megatron as megatron_format
from kernels.models.formats import megatron_folders, megatron_ranks
from kernels.models.formats.checkpoints import shape_of_folder
from kernels.models.formats.fast import Trainable, fast_of, write
from kernels.models.formats.state_tables import from_transformers, to_transformers
from kernels.specs.layout import ELSEWHERE, Elsewhere
from kernels.tokens.mixtures.index import read_index
from kernels.tokens.mixtures.order import Order
from kernels.training.elsewhere import bmtrain, megatron
from kernels.training.elsewhere.launch import Asked, Launch, Place
from kernels.training.elsewhere.megatron_data import write_blend
from kernels.training.feeding.feed import open_split

NAME_FILE, MODEL, DATA, START, TRAINED = "back_end.txt", "model", "data", "start", "trained"
BMTRAIN_START, BMTRAIN_TRAINED = "start.pt", "model.pt"


class BackEnd(NamedTuple):
    """Another trainer, as far as a folder goes. Weights are by the names of Transformers' Llama."""

    describe: Callable[[Asked, Place], Launch]
    write_data: Callable[[Asked, Path, Path], Place]
    """Takes what is asked, the mixture and the folder of the launch."""
    write_start: Callable[[Mapping[str, Any], DecoderShape, Path], None]
    read: Callable[[Path, DecoderShape], dict[str, Any]]
    """Takes a checkpoint that it trained."""
    trained: str
    """Where it keeps checkpoints, in the folder of a launch."""


def prepare(back_end: Elsewhere, asked: Asked, trainable: Trainable, mixture: Path, tokenizer: Any, folder: Path) -> Launch:
    """Write all that a launch needs into a folder that is not there yet, and return it.

    Raises:
        FileExistsError: the folder is there.
        ValueError: the back end cannot do what is asked.
    """
    chosen = BACK_ENDS[back_end]
    chosen.describe(asked, Place(START, [], None, TRAINED))  # before anything is written
    folder.mkdir(parents=True)
    launch = chosen.describe(asked, chosen.write_data(asked, mixture, folder))
    state = {name: tensor.detach().cpu() for name, tensor in trainable.module.state_dict().items()}
    assert trainable.table is not None
    chosen.write_start(to_transformers(state, trainable.table), asked.stack, folder)
    trainable.shape.save_pretrained(folder / MODEL)
    tokenizer.save_pretrained(folder / MODEL)
    for name, text in {**launch.files, "launch.sh": script_of(launch), "README.md": about(back_end, launch), NAME_FILE: back_end}.items():
        (folder / name).write_text(text, encoding="utf-8")
    return launch


def land(folder: Path, checkpoint: Path | None, out: Path) -> None:
    """Write what was trained in the folder of a launch as a checkpoint of ours, float32, with the tokenizer it began with.

    Args:
        folder: of the launch.
        checkpoint: as the trainer keeps it; None: where the launch has it kept.
        out: that the checkpoint is written to; it must not be there.

    Raises:
        FileNotFoundError: the folder is of no launch, or there is no checkpoint.
        FileExistsError: ``out`` is there.
        ValueError: the checkpoint is of another model, or holds more than tensors.
    """
    from transformers import AutoTokenizer

    if not (folder / NAME_FILE).is_file():
        raise FileNotFoundError(f"{folder}: has no {NAME_FILE}, as the folder of a launch has; name one that mill launch wrote")
    name = (folder / NAME_FILE).read_text()
    if name not in BACK_ENDS:
        raise ValueError(f"{folder / NAME_FILE}: names {name!r}, and there are {', '.join(ELSEWHERE)}; write the launch again")
    if out.exists():
        raise FileExistsError(f"{out}: is there already; name a folder that is not")
    chosen, shape = BACK_ENDS[cast(Elsewhere, name)], shape_of_folder(folder / MODEL)
    stack, found = stack_of(shape), fast_of(shape)
    assert stack is not None and found is not None and found.table is not None
    theirs = {key: tensor.float() for key, tensor in chosen.read(checkpoint or folder / chosen.trained, stack).items()}
    write(Trainable(found.module, shape, found.attention, found.table, is_own=True), out, from_transformers(theirs, found.table))
    cast(Any, AutoTokenizer).from_pretrained(folder / MODEL, local_files_only=True).save_pretrained(out)


def script_of(launch: Launch) -> str:
    """Return the shell script that starts a launch."""
    settings = "".join(f"export {name}={value}\n" for name, value in launch.environment.items())
    return f'#!/bin/sh\nset -eu\ncd "$(dirname "$0")"\n{settings}exec {launch.shell}\n'


def about(back_end: Elsewhere, launch: Launch) -> str:
    """Return what a reader of the folder should know."""
    asks = {"$MEGATRON_LM": "a clone of Megatron-LM by its whole path", "$MEETING": "host and port of one of the nodes, where all meet"}
    told = [f"- `{name[1:]}` names {what}" for name, what in asks.items() if any(word.startswith(name) for word in launch.command)]
    needs = [f"- {need}" for need in launch.needs]
    parts = (f"# A training by {back_end}", "Start it on each node by `sh launch.sh`. It needs:", "\n".join([*needs, *told]))
    differs = "\n".join(f"- {note}" for note in launch.notes)
    behind = "Behind it, `mill land` writes what was trained as a checkpoint that Transformers opens."
    return "\n\n".join((*parts, "What differs from a training by modelmill:", differs, behind)) + "\n"


def _megatron_data(asked: Asked, mixture: Path, folder: Path) -> Place:
    blend = write_blend(mixture, asked.stack.vocab_size, folder / DATA)
    held = None if blend.validation is None else f"{DATA}/{blend.validation}"
    return Place(START, [(share, f"{DATA}/{name}") for share, name in blend.train], held, TRAINED)


def _bmtrain_data(asked: Asked, mixture: Path, folder: Path) -> Place:
    steps, rows = asked.horizon.num_steps, asked.rates.batch_size
    order, split = Order(read_index(mixture), steps * rows), open_split(mixture, "train")
    (folder / DATA).mkdir()
    np.save(folder / DATA / "order.npy", order.rows(0, asked.horizon.last_step * rows).reshape(-1, rows))
    np.save(folder / DATA / "tokens.npy", split.tokens)
    np.save(folder / DATA / "segments.npy", split.segments)
    return Place(BMTRAIN_START, [], None, TRAINED)


def _start_megatron(theirs: Mapping[str, Any], stack: DecoderShape, folder: Path) -> None:
    megatron_folders.write(megatron_format.to_megatron(theirs, stack), stack.num_layers, folder / START)


def _start_bmtrain(theirs: Mapping[str, Any], stack: DecoderShape, folder: Path) -> None:
    bmtrain_format.write(from_transformers(theirs, bmtrain_format.table(stack)), folder / BMTRAIN_START)


def _read_megatron(checkpoint: Path, stack: DecoderShape) -> dict[str, Any]:
    place = megatron_folders.last_of(checkpoint)
    by_all = (place / megatron_folders.INDEX).is_file()
    return megatron_format.from_megatron(megatron_folders.read(place) if by_all else megatron_ranks.read(place, stack), stack)


def _read_bmtrain(checkpoint: Path, stack: DecoderShape) -> dict[str, Any]:
    return to_transformers(bmtrain_format.read(checkpoint), bmtrain_format.table(stack))


BACK_ENDS: Mapping[Elsewhere, BackEnd] = {
    "megatron": BackEnd(megatron.describe, _megatron_data, _start_megatron, _read_megatron, TRAINED),
    "bmtrain": BackEnd(bmtrain.describe, _bmtrain_data, _start_bmtrain, _read_bmtrain, f"{TRAINED}/{BMTRAIN_TRAINED}"),
}
