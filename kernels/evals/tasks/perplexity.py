"""Held-out documents: bits per byte, comparable across tokenizers, and perplexity, which is not, overall and bits per byte a source.

Every byte counts once: a text is cut to ``max_bytes`` (so that all tokenizers see the same text), and one longer than the model's
context is scored in disjoint windows, each after the beginning-of-sequence token or, lacking one, the end-of-sequence token, as in
lm-evaluation-harness (rolling log-likelihood). Bits per byte as in The Pile (Gao et al. 2020, arXiv 2101.00027, section 3.1).
"""

import math
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pyarrow.parquet as pq
from pydantic import Field

from kernels.evals.multiple_choice import choose_subset
from kernels.evals.statistics import bootstrap_ratio_interval
from kernels.inference.likelihood import Request, log_likelihoods
from kernels.specs.config import Config
from kernels.specs.needs import HeldOut
from kernels.specs.tasks import EvalResult, Score, Task

if TYPE_CHECKING:
    import polars as pl

    from kernels.models.formats.checkpoints import LanguageModel

UNIFORM_BITS_PER_BYTE = 8.0
"""What a model gives that finds all 256 bytes equally likely."""


class PerplexityConfig(Config):
    """Which held-out documents are scored, and how much of each."""

    num_items: int = Field(gt=0)
    """Documents scored at most; the subset is a seeded choice, the same for every model."""
    seed: int
    """Seed of the subset and of the bootstrap over documents."""
    max_bytes: int = Field(gt=0)
    """Bytes of a document's beginning that are scored (UTF-8, cut between characters)."""
    num_bootstrap: int = Field(default=1000, gt=0)
    """Bootstrap resamples (Efron and Tibshirani 1993 advise 1000 for intervals)."""


class _Document(NamedTuple):
    num_bytes: int
    num_tokens: int
    nats: float


def run(model: "LanguageModel", data: Path | None, config: PerplexityConfig) -> EvalResult:
    """Return the scores of a Parquet file of documents (columns id, source, text); bits per byte comes first.

    Raises:
        ValueError: there is no file, a column is missing, no document has text, or the model gives a likelihood that is not finite.
    """
    import polars as pl

    if data is None:
        raise ValueError("perplexity reads held-out documents; give the recipe's mixture a validation share")
    if missing := {"id", "source", "text"} - set(pq.read_schema(data).names):  # pyright: ignore[reportUnknownMemberType]
        raise ValueError(f"{data.name}: no column {sorted(missing)}; give the mixture's held-out documents")
    table = pl.read_parquet(data, glob=False, hive_partitioning=False, columns=["id", "source", "text"]).filter(pl.col("text").str.len_bytes() > 0)
    table = table[choose_subset(table.height, config.num_items, config.seed)]
    if table.height == 0:
        raise ValueError(f"{data.name}: no document with text; raise num_items or the mixture's held-out share")
    documents = _score_documents(model, table["text"].to_list(), config.max_bytes)
    items = pl.DataFrame(
        {
            "item": table["id"],
            "source": table["source"],
            "num_bytes": [document.num_bytes for document in documents],
            "num_tokens": [document.num_tokens for document in documents],
            "nats": [document.nats for document in documents],
        }
    ).with_columns(bits_per_byte=pl.col("nats") / math.log(2) / pl.col("num_bytes"))
    scores = [_bits_per_byte("bits_per_byte", items, config), _perplexity(items, config)]
    for source in sorted(items["source"].unique().to_list()):
        scores.append(_bits_per_byte(f"bits_per_byte/{source}", items.filter(pl.col("source") == source), config))
    return EvalResult(scores, items)


def _score_documents(model: "LanguageModel", texts: list[str], max_bytes: int) -> list[_Document]:
    tokenizer, window = model.tokenizer, model.model.config.max_position_embeddings
    start = tokenizer.eos_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id
    if start is None:
        raise ValueError("the tokenizer has neither a beginning nor an end of sequence; a text's first token needs one before it")
    requests: list[Request] = []
    owners: list[int] = []
    sizes: list[tuple[int, int]] = []
    for index, text in enumerate(texts):
        text = text.encode()[:max_bytes].decode(errors="ignore")
        tokens = tokenizer.encode(text, add_special_tokens=False)
        windows = [tuple(tokens[first : first + window]) for first in range(0, len(tokens), window)]
        requests += [Request((start,), tokens_of_window) for tokens_of_window in windows]
        owners += [index] * len(windows)
        sizes.append((len(text.encode()), len(tokens)))
    nats = [0.0] * len(texts)
    for index, total in zip(owners, log_likelihoods(model, requests), strict=True):
        nats[index] -= total
    return [_Document(*size, total) for size, total in zip(sizes, nats, strict=True)]


def _bits_per_byte(metric: str, items: "pl.DataFrame", config: PerplexityConfig) -> Score:
    bits = items["nats"] / math.log(2)
    low, high = bootstrap_ratio_interval(bits.to_numpy(), items["num_bytes"].to_numpy(), config.num_bootstrap, config.seed)
    value = float(bits.sum()) / float(items["num_bytes"].sum())
    return Score(metric, value, low, high, UNIFORM_BITS_PER_BYTE, items.height, higher_is_better=False)


def _perplexity(items: "pl.DataFrame", config: PerplexityConfig) -> Score:
    low, high = bootstrap_ratio_interval(items["nats"].to_numpy(), items["num_tokens"].to_numpy(), config.num_bootstrap, config.seed)
    value = math.exp(float(items["nats"].sum()) / float(items["num_tokens"].sum()))
    return Score("perplexity", value, math.exp(low), math.exp(high), None, items.height, higher_is_better=False)


SPEC = Task(
    name="perplexity",
    version=1,
    config=PerplexityConfig,
    need=HeldOut(),
    run=run,
    metrics=("bits_per_byte", "perplexity", "bits_per_byte/*"),
)
