"""Which word was taken out of a passage: one question that models of every kind can be asked, each in the way it reads.

A word of a held-out document is hidden, and the model chooses among it and others of the same texts, of about its frequency and length
(kernels/evals/hidden_words.py). The options are cut out by letters and passages by bytes, so that every model is asked the same.

- A causal model gives the likelihood of the passage with each option in its place. By Bayes' rule that orders options by their probability given both
  sides; but the right side counts only by how likely the model finds it behind each option, since the option itself is predicted before that is read.
- A prefix decoder gives the same, with what stands left of the word as its prefix.
- An encoder gives the pseudo-log-likelihood of the word with its tokens masked from left to right (kernels/inference/likelihoods/masked.py).
- An encoder-decoder reads the passage with a sentinel in the word's place, and its decoder gives sentinel, option and the sentinel that ends it, as
  span corruption does (Raffel et al. 2020, arXiv 1910.10683). One that was trained on no sentinels can only guess.

Likelihoods are compared as they are. Divided by tokens or letters, long options would gain, as their later tokens follow easily from the first: and a
decoder's likelihood pays for every token, and for where the word ends, already. An encoder sees by the number of masks how many tokens an option has,
and pays for none of that, which favours options of many tokens; that they are of about the same length keeps it small. So the numbers compare what
models do with a blank, not how they were trained for it: an encoder and an encoder-decoder were asked just this in training, a causal model was not.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from kernels.evals.datasets.items import choose_subset
from kernels.evals.heldout import read_heldout
from kernels.evals.hidden_word_likelihoods import Found, likelihoods_of_options
from kernels.evals.hidden_words import Document, Passage, hide_words
from kernels.evals.likeliest import likeliest
from kernels.evals.statistics.measures import Measure, mean_of, result
from kernels.specs.config import Config
from kernels.specs.needs import HeldOut
from kernels.specs.tasks import EvalResult, Progress, Task, unwatched

if TYPE_CHECKING:
    import polars as pl

    from kernels.inference.asked_models import AskedModel


class HiddenWordConfig(Config):
    """Which passages are asked, and among how many words one is chosen."""

    num_items: int = Field(gt=0)
    """Documents asked at most, a word of each; the subset is a seeded choice, the same for every model."""
    num_options: int = Field(ge=2)
    """Words to choose from, the true one among them."""
    max_bytes: int = Field(ge=16)
    """Bytes of text on either side of the word (UTF-8, cut between words)."""
    seed: int
    """Seed of words, options, subset and bootstrap."""
    num_bootstrap: int = Field(default=1000, gt=0)
    """Bootstrap resamples (Efron and Tibshirani 1993 advise 1000 for intervals)."""


def run(model: "AskedModel", data: Path | None, config: HiddenWordConfig, progress: Progress = unwatched) -> EvalResult:
    """Return the accuracy over the chosen documents and by source; the items end with the documents that have no word to hide, and why.

    Raises:
        ValueError: there is no file, a column is missing, no document has a word to hide, the tokenizer lacks a token that the model's family
            needs, or the model gives a likelihood that is not finite.
    """
    import polars as pl

    documents = [Document(*row) for row in read_heldout(data).sort("id").iter_rows()]
    hidden = hide_words(documents, config.num_options, config.max_bytes, config.seed)
    passages = [each for each in hidden if isinstance(each, Passage)]
    passages = [passages[index] for index in choose_subset(len(passages), config.num_items, config.seed)]
    if not passages:
        raise ValueError("no held-out document has a word to hide; raise the mixture's held-out share, or lower num_options")
    rows = [_row(passage, found) for passage, found in zip(passages, likelihoods_of_options(model, passages), strict=True)]
    asked = pl.DataFrame(rows)
    rejected = [{"item": each.key, "rejected": each.reason} for each in hidden if not isinstance(each, Passage)]
    items = pl.concat([asked, pl.DataFrame(rejected, schema={"item": pl.String, "rejected": pl.String})], how="diagonal")
    measures = [_accuracy("accuracy", asked, config)]
    for source in sorted(set(asked["source"].to_list())):
        measures.append(_accuracy(f"accuracy/{source}", asked.filter(pl.col("source") == source), config))
    return result(measures, items, config.num_bootstrap, config.seed)


def _row(passage: Passage, found: Found) -> dict[str, Any]:
    """Return one item: what was asked, the option of the highest likelihood, the first of equals, and whether it is the true one."""
    answer = likeliest(passage.key, found.log_likelihoods)
    return {
        "item": passage.key,
        "source": passage.source,
        "left": passage.left,
        "right": passage.right,
        "options": list(passage.options),
        "log_likelihoods": list(found.log_likelihoods),
        "expected": passage.options[passage.expected],
        "answer": passage.options[answer],
        "correct": answer == passage.expected,
        "num_tokens_cut": found.num_cut,
    }


def _accuracy(metric: str, items: "pl.DataFrame", config: HiddenWordConfig) -> Measure:
    keys: list[str] = items["item"].to_list()
    return mean_of(metric, items["correct"].to_list(), keys, keys, 1 / config.num_options)


SPEC = Task(
    name="hidden_word",
    version=4,
    config=HiddenWordConfig,
    need=HeldOut(),
    run=run,
    attentions=frozenset({"causal", "prefix", "bidirectional", "encoder_decoder"}),
    metrics=("accuracy", "accuracy/*"),
)
