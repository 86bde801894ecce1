"""Adopting a checkpoint straight from the Hugging Face hub, at one commit; from there on it is a Transformers folder like any other.

Tried against a small server on this machine that speaks the hub's protocol; not tried against huggingface.co itself, nor with gated or private
repositories, nor with files that the hub serves through its Xet storage.
"""

import hashlib
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from kernels.methods.adoption.adopted import AdoptionConfig
from kernels.methods.adoption.transformers_folder import adopt_folder, require_safetensors
from kernels.specs.methods import Method, MethodJob

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoFile

FETCHED = ("*.json", "model*.safetensors", "*.model", "*.txt", "*.jinja")
"""Config, weights, tokenizer and template; no pickle, no code, and no second form of the weights (``consolidated.safetensors``)."""
LEFT_OUT = ("*/*",)
"""What lies in folders of the repository, into which the stars above would reach."""
SNAPSHOT = "snapshot"


class HubConfig(AdoptionConfig):
    """Which model, and how its weights are stored."""

    repository: str = Field(pattern=r"^[\w.-]+(/[\w.-]+)?$", examples=["HuggingFaceTB/SmolLM2-135M"])
    """Its name on the hub, such as ``HuggingFaceTB/SmolLM2-135M``."""
    revision: str = Field(pattern=r"^[0-9a-f]{40}$", examples=["7e27bd9f95328f0f3b08261d1252705110c806f8"])
    """The commit, all 40 digits: a branch or tag may move, and the same recipe would give another model."""


def run(job: MethodJob) -> dict[str, float]:
    """Fetch the repository into the job's scratch folder, where an interrupted fetch goes on, and adopt it.

    A token for a gated repository is what the hub's library finds by itself.

    Raises:
        ConnectionError: the hub cannot be reached or does not give the files.
        FileNotFoundError, ValueError: a file is not what the hub lists; or see `adopt_folder`.
    """
    config: HubConfig = job.config
    source = f"{config.repository}@{config.revision[:8]}"
    folder = job.scratch / SNAPSHOT
    with _named(source):
        listed = _list(config)
    require_safetensors({file.path for file in listed}, source)
    with _named(source):
        _fetch(config, folder)
    for file in listed:
        if (folder / file.path).is_file() and not _is_as_listed(folder / file.path, file):
            raise ValueError(f"{source}: {file.path} is not what the hub lists; remove {folder} and make the model again")
    summary = adopt_folder(job, folder, source)
    shutil.rmtree(folder)
    return summary


@contextmanager
def _named(source: str) -> Generator[None]:
    """Have whatever goes wrong with the hub name the model and the remedy."""
    from httpx2 import HTTPError

    try:
        yield
    except (HTTPError, OSError) as error:
        raise ConnectionError(
            f"{source}: the hub does not give it ({error}); look at repository, revision and network, "
            "or fetch the folder elsewhere and adopt it with adopt_transformers"
        ) from error


def _list(config: HubConfig) -> "list[RepoFile]":
    """Return the hub's list of the repository's files."""
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

    listed = HfApi().list_repo_tree(config.repository, recursive=True, revision=config.revision)
    return [entry for entry in listed if isinstance(entry, RepoFile)]


def _fetch(config: HubConfig, folder: Path) -> None:
    """Fetch what a checkpoint needs."""
    from huggingface_hub import snapshot_download  # pyright: ignore[reportUnknownVariableType]

    snapshot_download(config.repository, revision=config.revision, local_dir=folder, allow_patterns=[*FETCHED], ignore_patterns=[*LEFT_OUT])


def _is_as_listed(path: Path, file: "RepoFile") -> bool:
    """Return whether a file has the SHA-256 the hub lists for a large file, or the Git blob id it lists for a small one."""
    with path.open("rb") as stream:
        if file.lfs is not None:
            return hashlib.file_digest(stream, "sha256").hexdigest() == file.lfs.sha256
        content = stream.read()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest() == file.blob_id


SPEC = Method(name="adopt_hub", version=3, config=HubConfig, needs=(), run=run)
