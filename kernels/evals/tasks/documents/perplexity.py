"""Held-out documents: bits per byte, comparable across tokenizers, overall and by source, and three perplexities.

Every byte counts once: a text is cut to ``max_bytes`` (so that all tokenizers see the same text), and its tokens are scored in windows of the
model's context (4,096 tokens where it has no end), as in lm-evaluation-harness (rolling log-likelihood, lm_eval/utils.py of 0.4.13): the first
window follows what stands before a text (the beginning-of-sequence token or, lacking one, the end-of-sequence token, where the tokenizer puts nothing
there); each later one follows the token before it, and the last, which is shorter, as many of the tokens before it as the context holds.

What a tokenizer does not know has no likelihood but that it is unknown, and would come free to one that knows little: each byte of it is told at 8
bits beside. Text that a tokenizer changes without a sign of it (such as capital letters) is scored as changed.

Bits per byte as in The Pile (Gao et al. 2020, arXiv 2101.00027, section 3.1). As in the harness, ``byte_perplexity`` is 2 to its power and
``word_perplexity`` counts what white space parts, an empty beginning or end too; ``token_perplexity`` is comparable within one tokenizer only.

Asked of causal models, and of prefix decoders, whose prefix is what stands before a window's first asked token: one token for the first window, so
that both give every token from those before it, and their chain is the probability of the whole text. An encoder-decoder is not asked: its encoder
would have to be given part of each text, which is then not counted, or nothing, which no objective of its training is; either number is of another
question. Nor are masked encoders, whose pseudo-likelihood is no probability of a text (Salazar et al. 2020, arXiv 1910.14659, section 2).
"""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pydantic import Field

from kernels.evals.datasets.items import choose_subset
from kernels.evals.heldout import read_heldout
from kernels.evals.statistics.measures import Measure, result
from kernels.inference.asked_models import AskedModel, window_of
from kernels.inference.likelihoods.likelihood import Request, log_likelihoods
from kernels.models.formats.chats import beginning, text_encoder
from kernels.specs.config import Config
from kernels.specs.needs import HeldOut
from kernels.specs.tasks import EvalResult, Progress, Task, unwatched

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

UNBOUNDED_WINDOW = 4096
"""Tokens of a window where nothing bounds how many a model reads."""
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
    num_words: int
    num_tokens: int
    num_unknown_bytes: int
    nats: float


def run(model: AskedModel, data: Path | None, config: PerplexityConfig, progress: Progress = unwatched) -> EvalResult:
    """Return the scores of a Parquet file of documents (columns id, source, text); bits per byte comes first.

    Raises:
        ValueError: there is no file, a column is missing, no document has text, or the model gives a likelihood that is not finite.
    """
    import polars as pl

    table = read_heldout(data)
    table = table[choose_subset(table.height, config.num_items, config.seed)]
    documents = _score_documents(model, table["text"].to_list(), config.max_bytes)
    items = pl.DataFrame(
        {
            "item": table["id"],
            "source": table["source"],
            "num_bytes": [document.num_bytes for document in documents],
            "num_words": [document.num_words for document in documents],
            "num_tokens": [document.num_tokens for document in documents],
            "num_unknown_bytes": [document.num_unknown_bytes for document in documents],
            "nats": [document.nats for document in documents],
        }
    ).with_columns(bits_per_byte=pl.col("nats") / math.log(2) / pl.col("num_bytes"))
    measures = [_bits_per_byte("bits_per_byte", items)]
    measures += [_perplexity(unit, items) for unit in ("byte", "word", "token")]
    for source in sorted(items["source"].unique().to_list()):
        measures.append(_bits_per_byte(f"bits_per_byte/{source}", items.filter(pl.col("source") == source)))
    return result(measures, items, config.num_bootstrap, config.seed)


def _score_documents(model: AskedModel, texts: list[str], max_bytes: int) -> list[_Document]:
    tokenizer, window = model.tokenizer, window_of(model) or UNBOUNDED_WINDOW
    before = beginning(tokenizer)
    requests: list[Request] = []
    owners: list[int] = []
    sizes: list[tuple[int, int, int, int]] = []
    encoder = text_encoder(tokenizer)
    for index, text in enumerate(texts):
        text = text.encode()[:max_bytes].decode(errors="ignore")
        tokens = encoder.content(text)
        windows = rolling_windows(tokens, before, window)
        requests += windows
        owners += [index] * len(windows)
        sizes.append((len(text.encode()), len(re.split(r"\s+", text)), len(tokens), encoder.num_unknown_bytes(text, tokens)))
    nats = [num_unknown * UNIFORM_BITS_PER_BYTE * math.log(2) for *_, num_unknown in sizes]
    for index, total in zip(owners, log_likelihoods(model, requests), strict=True):
        nats[index] -= total
    return [_Document(*size, total) for size, total in zip(sizes, nats, strict=True)]


def rolling_windows(tokens: Sequence[int], before: Sequence[int], size: int) -> list[Request]:
    """Return windows that ask every token once, of ``size`` inputs at most, each after as many of the tokens before it as fit, one at least.

    Those before the first are what stands before a text.
    """
    second = size + 1 - len(before)  # where the second window begins to ask
    windows = [Request(tuple(before), tuple(tokens[:second]))] if tokens else []
    for first in range(second, len(tokens), size):
        asked = tuple(tokens[first : first + size])
        windows.append(Request(tuple(tokens[max(0, first + len(asked) - size - 1) : first]), asked))
    return windows


def _bits_per_byte(metric: str, items: "pl.DataFrame") -> Measure:
    bits = items.select(bits=items["nats"] / math.log(2), num_bytes=items["num_bytes"].cast(float))
    return _of_documents(metric, items, bits.to_numpy(), "ratio", UNIFORM_BITS_PER_BYTE)


def _perplexity(unit: str, items: "pl.DataFrame") -> Measure:
    counts = items.select("nats", items[f"num_{unit}s"].cast(float).alias("count"))
    return _of_documents(f"{unit}_perplexity", items, counts.to_numpy(), "exponential_of_ratio", None)


def _of_documents(metric: str, items: "pl.DataFrame", values: "NDArray[np.float64]", statistic: str, chance: float | None) -> Measure:
    keys: list[str] = items["item"].to_list()
    return Measure(metric, values, keys, keys, statistic, chance, higher_is_better=False)


SPEC = Task(
    name="perplexity",
    version=6,
    config=PerplexityConfig,
    need=HeldOut(),
    run=run,
    attentions=frozenset({"causal", "prefix"}),
    metrics=("bits_per_byte", "byte_perplexity", "word_perplexity", "token_perplexity", "bits_per_byte/*"),
)
