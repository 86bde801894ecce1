"""What one module of a kernels folder declares, and how the declarations are found.

A module adds one thing (a source format, a filter, a tokenizer, an architecture, a model method, an eval) by binding one frozen
spec to the name ``SPEC``. `collect` imports the modules of a folder and returns their specs by name; nothing else registers anything.
A spec's ``version`` is raised by hand whenever the same config would give other bytes: it is the code version of every artifact made
with it.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    import polars as pl

    from kernels.filters.batch import TextBatch


class Config(BaseModel):
    """Base of every config: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Spec(Protocol):
    """What all specs share."""

    @property
    def name(self) -> str:
        """How recipes call it."""
        ...

    @property
    def version(self) -> int:
        """Raised when the same config gives other bytes."""
        ...

    @property
    def config(self) -> type[Config]:
        """The type of its config."""
        ...


# --- sources -------------------------------------------------------------------------------------------------------------


class SourceFile(NamedTuple):
    """One input file: its path relative to the source's root (used in ids and messages) and how to open it."""

    path: str
    open: Callable[[], BinaryIO]


class Document(NamedTuple):
    """One text as a reader extracts it. ``key`` is unique within its file and does not move when other records are added."""

    key: str
    text: str
    title: str | None = None
    url: str | None = None
    metadata: Mapping[str, Any] = MappingProxyType({})


class Reject(NamedTuple):
    """One record that a reader could not or must not use: where it is, why (a short fixed code) and the offending detail."""

    key: str
    reason: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class SourceFormat:
    """A reader of one file format. ``read`` streams one file in bounded memory; a damaged record becomes a `Reject`."""

    name: str
    version: int
    config: type[Config]
    patterns: tuple[str, ...]
    """File name patterns (fnmatch) of this format, by which a folder is recognised."""
    read: Callable[[SourceFile, Any], Iterator[Document | Reject]]


# --- filters -------------------------------------------------------------------------------------------------------------


class Outcome(NamedTuple):
    """What a filter decides over N documents, three series of length N."""

    text: "pl.Series"
    """str: the text as the filter leaves it (masked, lines removed), the input itself where it changes nothing."""
    reason: "pl.Series"
    """str: a short fixed code where the document is dropped, null where it is kept."""
    value: "pl.Series"
    """f64: the measured value that the threshold refused, null where kept."""
    tags: "Mapping[str, pl.Series]" = MappingProxyType({})
    """What else was measured, by name (``language``, ``toxicity``, ``num_email``): series of str, f64 or integers, null where nothing is to say."""


@dataclass(frozen=True, kw_only=True)
class Filter:
    """One rule or family of rules. ``apply`` takes a batch of N texts and the config; each row is judged by itself, whatever batch it is in."""

    name: str
    version: int
    config: type[Config]
    apply: "Callable[[TextBatch, Any], Outcome]"
    files: Callable[[Any], tuple[str, ...]] = lambda config: ()
    """What a config asks the recipe for: ``keys/NAME`` a secret key, ``classifiers/NAME`` a trained classifier; see `TextBatch.files`."""


# --- tokenizers and architectures ----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class TokenizerMethod:
    """How a tokenizer is made: ``train`` reads texts in order and returns the text of a `tokenizers` JSON file."""

    name: str
    version: int
    config: type[Config]
    train: Callable[[Iterator[str], Any], str]


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A model family: ``build`` returns a Transformers config (no weights) for a vocabulary and special token ids."""

    name: str
    version: int
    config: type[Config]
    build: Callable[..., Any]


# --- models --------------------------------------------------------------------------------------------------------------

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


# --- evals ---------------------------------------------------------------------------------------------------------------


class Score(NamedTuple):
    """One metric of one model: a mean over items with a bootstrap confidence interval, and what chance would give."""

    metric: str
    value: float
    low: float
    high: float
    chance: float | None
    num_items: int
    higher_is_better: bool = True


class EvalResult(NamedTuple):
    """Scores, and one row an item (at least ``item``; then what was asked, answered and expected)."""

    scores: list[Score]
    items: "pl.DataFrame"


@dataclass(frozen=True, kw_only=True)
class Eval:
    """One evaluation. ``run(model, data, config)`` takes a `kernels.checkpoints.LanguageModel`."""

    name: str
    version: int
    config: type[Config]
    data: Literal["file", "heldout", "none"]
    """``file``: a data file the recipe names; ``heldout``: the mixture's validation documents; ``none``: the config is enough."""
    run: Callable[[Any, Path | None, Any], EvalResult]
    texts: Callable[[Path], Iterator[str]] | None = None
    """The texts of a data file that must not occur in training data."""


def collect(package: ModuleType) -> dict[str, Any]:
    """Return the specs of a package's modules by name, in order of name; a module without ``SPEC`` only serves the others.

    Raises:
        ValueError: two modules declare one name.
    """
    specs: dict[str, Any] = {}
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        spec = getattr(module, "SPEC", None)
        if spec is None:
            continue
        if spec.name in specs:
            raise ValueError(f"{module.__name__}: the name {spec.name!r} is already taken in {package.__name__}")
        specs[spec.name] = spec
    return dict(sorted(specs.items()))
