"""Methods: ways to make a checkpoint."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from kernels.specs.config import Config

Data = Literal["mixture", "conversations", "package", "none"]


class ModelJob(NamedTuple):
    """All that a model method may read and write. Where it runs is here, what it computes is in its config."""

    config: Any
    parents: dict[str, Path]
    """Checkpoint folders by role, such as ``parent``."""
    data: Path | None
    """The mixture's folder, the Parquet file of conversations, or the package's folder, as the spec's ``data`` says."""
    tokenizer: Path | None
    """Folder of the recipe's tokenizer in Transformers form (tokenizer.json, tokenizer_config.json)."""
    out: Path
    """An empty folder that becomes the checkpoint."""
    scratch: Path
    """A folder that outlives a killed run: resumable state goes here, and only here."""
    device: str
    """``cpu`` or ``cuda``."""
    report: Callable[[dict[str, float]], None]
    """Called with numbers (step, loss, tokens_per_second, ...) while the job runs."""


@dataclass(frozen=True, kw_only=True)
class ModelMethod:
    """One way to make a checkpoint. ``run`` writes ``job.out`` and returns flat summary metrics (finite floats)."""

    name: str
    version: int
    config: type[Config]
    roles: tuple[str, ...]
    """The parents it needs, in order; the recipe's ``from`` names them."""
    data: Data
    run: Callable[[ModelJob], dict[str, float]]
