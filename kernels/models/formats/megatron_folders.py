"""Folders of Megatron's distributed checkpoints (``torch_dist``): written for any layout to begin at, and read without running anything in them.

A layer's matrix is one tensor of all layers, whatever the processes; Megatron cuts it as it loads. Beside the shards, which
`torch.distributed.checkpoint` reads as tensors alone, such a folder has an index that is a pickle (``.metadata``): it is read by an unpickler that
makes nothing but the index's own records. ``common.pt``, a pickle of Megatron's settings, is never opened.
"""

import json
import pickle
import re
import warnings
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from kernels.models.formats.megatron import EXTRA, FC1, LAYER

TRACKER = "latest_checkpointed_iteration.txt"
RELEASE = "release"
"""What the tracker says of weights without an optimizer's state."""
INDEX, BACKENDS = ".metadata", {"sharded_backend": "torch_dist", "sharded_backend_version": 1, "common_backend": "torch", "common_backend_version": 1}
BESIDE = ("optimizer.", "chained_", "rng_state", "rerun_state")
"""Beginnings of the names of what is no weight of the model."""
RECORDS = {
    "torch.distributed.checkpoint.metadata": {
        "BytesStorageMetadata",
        "ChunkStorageMetadata",
        "Metadata",
        "MetadataIndex",
        "StorageMeta",
        "TensorProperties",
        "TensorStorageMetadata",
        "_MEM_FORMAT_ENCODING",
    },
    "torch.distributed.checkpoint.filesystem": {"_StorageInfo"},
    "torch.distributed.checkpoint.planner": {"BytesIOWriteData", "SavePlan", "TensorWriteData", "WriteItem", "WriteItemType"},
    "torch.serialization": {"_get_layout"},
    "torch": {"Size", "device", "float32", "float16", "bfloat16", "float64", "int64", "int32", "int16", "int8", "uint8", "bool"},
    "collections": {"OrderedDict"},
    "pathlib": {"Path", "PosixPath"},
    "pathlib._local": {"Path", "PosixPath"},
}
"""What an index is made of, by module."""


def write(state: Mapping[str, Any], num_layers: int, folder: Path) -> None:
    """Write the weights of `megatron.to_megatron`, by Transformer Engine's names, for Megatron to begin at.

    Args:
        state: the whole of it.
        num_layers: of the model.
        folder: that ``--load`` names; it is made.
    """
    import torch
    from torch.distributed.checkpoint import state_dict_saver
    from torch.distributed.checkpoint.filesystem import FileSystemWriter

    place = folder / RELEASE
    place.mkdir(parents=True)
    with _alone():
        cast(Any, state_dict_saver).save(stacked(state, num_layers), storage_writer=FileSystemWriter(place), no_dist=True)
    torch.save({"checkpoint_version": 3.0, "iteration": 0, "content_metadata": {}}, place / "common.pt")
    (place / "metadata.json").write_text(json.dumps(BACKENDS))
    (folder / TRACKER).write_text(RELEASE)


def read(folder: Path) -> dict[str, Any]:
    """Return the weights of a distributed checkpoint by Transformer Engine's names.

    Args:
        folder: of one checkpoint, or of several, of which the tracker names the last.

    Raises:
        FileNotFoundError: there is no distributed checkpoint.
        ValueError: its index holds what no index does, so that it is not opened.
    """
    import torch
    from torch.distributed.checkpoint import state_dict_loader
    from torch.distributed.checkpoint.filesystem import FileSystemReader
    from torch.distributed.checkpoint.metadata import TensorStorageMetadata

    place = last_of(folder)
    if not (place / INDEX).is_file():
        raise FileNotFoundError(f"{place}: has no {INDEX}, as checkpoints of --ckpt-format torch_dist have; save it so, or name another folder")

    class Reader(FileSystemReader):
        def read_metadata(self, *arguments: Any, **settings: Any) -> Any:
            return _Index.of(place / INDEX)

    found = Reader(place)
    wanted: dict[str, Any] = {}
    for name, told in found.read_metadata().state_dict_metadata.items():
        if isinstance(told, TensorStorageMetadata) and not name.startswith(BESIDE) and not name.endswith(EXTRA):
            wanted[name] = torch.empty(told.size, dtype=told.properties.dtype)
    with _alone():
        cast(Any, state_dict_loader).load(wanted, storage_reader=found, no_dist=True)
    return unstacked(wanted)


def last_of(folder: Path) -> Path:
    """Return the folder of a checkpoint: that which is named, or the last one that the tracker in it names."""
    tracker = folder / TRACKER
    if not tracker.is_file():
        return folder
    told = tracker.read_text().strip()
    if told != RELEASE and not told.isdecimal():
        raise ValueError(f"{tracker}: {told!r} is no number of a checkpoint; name the folder of one")
    return folder / (told if told == RELEASE else f"iter_{int(told):07d}")


def stacked(state: Mapping[str, Any], num_layers: int) -> dict[str, Any]:
    """Return a state with each tensor of a layer as one of all layers."""
    import torch

    kinds = {name.removeprefix(f"{LAYER}0."): None for name in state if name.startswith(f"{LAYER}0.")}
    found = {name: tensor for name, tensor in state.items() if not name.startswith(LAYER)}
    return found | {f"{LAYER}{kind}": torch.stack([state[f"{LAYER}{layer}.{kind}"] for layer in range(num_layers)]) for kind in kinds}


def unstacked(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state with layers apart, and gate and up together: Megatron has layers stacked or not, and parts the two or not."""
    import torch

    found: dict[str, Any] = {}
    for name, tensor in state.items():
        if name.startswith(LAYER) and not re.match(r"\d+\.", name.removeprefix(LAYER)):
            found |= {f"{LAYER}{layer}.{name.removeprefix(LAYER)}": part for layer, part in enumerate(tensor)}
        else:
            found[name] = tensor
    for gate in [name for name in found if name.endswith(f"{FC1}_w")]:
        whole = gate.removesuffix("_w")
        found[whole] = torch.cat([found.pop(gate), found.pop(f"{whole}_v")])
    return found


@contextmanager
def _alone() -> Generator[None]:
    """Keep `torch.distributed.checkpoint` from warning that one process is at work, which is what is wanted."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="torch.distributed is disabled", category=UserWarning)
        yield


class _Index(pickle.Unpickler):
    """Reads an index, and makes nothing that is no record of one."""

    @classmethod
    def of(cls, path: Path) -> Any:
        with path.open("rb") as file:
            try:
                return cls(file).load()
            except pickle.UnpicklingError as error:
                raise ValueError(f"{path}: {error}, so that it is not opened; convert a checkpoint that Megatron saved") from error

    def find_class(self, module: str, name: str) -> Any:
        if name in RECORDS.get(module, ()):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"names {module}.{name}, which no index does")
