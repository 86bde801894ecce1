"""A linear classifier over hashed character 3-5-grams and word 1-2-grams of lower-cased text, in the spirit of Joulin et al. 2016.

Trained by Adagrad on the logistic loss (arXiv:1607.01759 for the features, Duchi et al. 2011 for the optimizer). Of the groups of
texts that differ, a fifth is held out and judges the classifier; of the rest, a fifth turns scores into probabilities (Platt, 1999).
"""

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveInt

from kernels.curation.classifiers.measures import auc
from kernels.curation.text.string_buffers import batches, flat_bytes
from kernels.specs.config import Config

if TYPE_CHECKING:
    import polars as pl

HELD_OUT = 5
"""One group of this many judges, and one of this many of the others calibrates."""
NUM_QUANTILES = 1001
MIN_TEXTS = 50


class ClassifierConfig(Config):
    """How a classifier is trained."""

    seed: int
    """Of the order of texts and of those held out."""
    max_chars: PositiveInt = Field(le=100_000)
    """How much of a text's beginning is learned from and judged: the same of all, so that length does not decide."""
    epochs: PositiveInt
    """Passes over the texts."""
    learning_rate: float = Field(gt=0)
    """Step of Adagrad."""
    bits: int = Field(default=20, ge=10, le=24)
    """There are 2**bits weights, 4 bytes each."""


class Classifier(NamedTuple):
    """Weights (float32 [2**bits + 1], the bias last), the line that turns a raw score into log-odds, and what raw texts score."""

    weights: NDArray[np.float32]
    max_chars: int
    slope: float
    shift: float
    quantiles: NDArray[np.float64]
    """Scores of the held-out texts of the negative class at `NUM_QUANTILES` even steps, rising."""

    def scores(self, texts: "pl.Series") -> NDArray[np.float64]:
        """Return the probability of the positive class of N texts."""
        return _probability(_raw(texts, self.weights, self.max_chars), self.slope, self.shift)

    def threshold(self, keep_rate: float) -> float:
        """Return the score that the share ``keep_rate`` of the negative class's held-out texts reaches."""
        return float(np.interp(1 - keep_rate, np.linspace(0, 1, NUM_QUANTILES), self.quantiles))


class Report(NamedTuple):
    """How a classifier does on the texts held out."""

    auc: float
    num_held_out: int
    num_trained: int
    num_repeated: int
    """Texts left out because another is the same but for case and white space."""


def train(examples: "pl.DataFrame", config: ClassifierConfig) -> tuple[Classifier, Report]:
    """Train on N texts of two classes; the same input, config and seed give the same weights.

    Columns: text (str), label (bool) and group (str or int): texts of a group are held out together.

    Raises:
        ValueError: a class has fewer than `MIN_TEXTS` texts that differ, or all of its texts are of groups that stand on one side of the split.
    """
    import polars as pl

    from kernels.curation.classifiers.loops import descend

    normal = pl.col("text").str.slice(0, config.max_chars).str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()
    unique = examples.with_columns(normal.alias("normal")).unique("normal", keep="first", maintain_order=True)
    labels: NDArray[np.bool_] = unique["label"].to_numpy()
    num_positives = int(labels.sum())
    if min(num_positives, len(labels) - num_positives) < MIN_TEXTS:
        raise ValueError(
            f"a classifier needs {MIN_TEXTS} different texts of either class; there are {num_positives} and {len(labels) - num_positives}: give more"
        )
    random = np.random.default_rng(config.seed)
    held_out, calibration, training = _split(unique, random)
    if len(np.unique(labels[held_out])) + len(np.unique(labels[training])) < 4:
        raise ValueError("a class has no text to train on or to judge by: its texts are of too few groups; give more, or no group_field")
    data, offsets = flat_bytes(_cut(unique["text"], config.max_chars))
    weights = np.zeros((1 << config.bits) + 1, np.float32)
    squares = np.zeros_like(weights)
    for _ in range(config.epochs):
        descend(data, offsets, labels, random.permutation(training), weights, squares, config.bits, config.learning_rate)
    raw = _raw(unique["text"], weights, config.max_chars)
    slope, shift = _calibrate(raw[calibration], labels[calibration])
    scores = _probability(raw[held_out], slope, shift)
    quantiles = np.quantile(scores[~labels[held_out]], np.linspace(0, 1, NUM_QUANTILES))
    report = Report(auc(scores, labels[held_out]), len(held_out), len(training), len(examples) - len(unique))
    return Classifier(weights, config.max_chars, slope, shift, quantiles), report


def _split(examples: "pl.DataFrame", random: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows that judge, calibrate and train."""
    group = examples["group"].rank("dense").to_numpy()
    order = random.permutation(examples["group"].n_unique()) + 1
    held_out, rest = order[::HELD_OUT], np.delete(order, np.s_[::HELD_OUT])
    held_out, calibration, training = (
        np.flatnonzero(np.isin(group, part)) for part in (held_out, rest[::HELD_OUT], np.delete(rest, np.s_[::HELD_OUT]))
    )
    return held_out, calibration, training


def save(classifier: Classifier, folder: Path) -> None:
    """Write a classifier to a folder."""
    from safetensors.numpy import save_file  # pyright: ignore[reportUnknownVariableType]

    save_file({"weights": classifier.weights, "quantiles": classifier.quantiles}, folder / "classifier.safetensors")
    facts = {"max_chars": classifier.max_chars, "slope": classifier.slope, "shift": classifier.shift}
    (folder / "classifier.json").write_text(json.dumps(facts, sort_keys=True) + "\n")


def load(folder: Path) -> Classifier:
    """Read a classifier from a folder, once a process as long as its files stay."""
    return _load(folder, (folder / "classifier.safetensors").stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _load(folder: Path, _: int) -> Classifier:
    from safetensors.numpy import load_file  # pyright: ignore[reportUnknownVariableType]

    facts: dict[str, Any] = json.loads((folder / "classifier.json").read_text())
    arrays = load_file(folder / "classifier.safetensors")
    return Classifier(arrays["weights"], facts["max_chars"], facts["slope"], facts["shift"], arrays["quantiles"])


def _cut(texts: "pl.Series", max_chars: int) -> "pl.Series":
    return texts.str.slice(0, max_chars).str.to_lowercase()


def _raw(texts: "pl.Series", weights: NDArray[np.float32], max_chars: int) -> NDArray[np.float64]:
    from kernels.curation.classifiers.loops import score

    bits = (len(weights) - 1).bit_length() - 1
    parts = [score(*flat_bytes(_cut(texts[start:end], max_chars)), weights, bits) for start, end in batches(texts)]
    return np.concatenate(parts) if parts else np.zeros(0)


def _probability(raw: NDArray[np.float64], slope: float, shift: float) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-np.clip(slope * raw + shift, -500, 500)))


def _calibrate(raw: NDArray[np.float64], labels: NDArray[np.bool_]) -> tuple[float, float]:
    """Fit log-odds = slope * raw + shift by Newton's method, to Platt's smoothed targets, which keep the fit finite."""
    positives, negatives = int(labels.sum()), int((~labels).sum())
    target = np.where(labels, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    columns, line = np.stack([raw, np.ones_like(raw)], 1), np.zeros(2)
    for _ in range(30):
        chance = 1 / (1 + np.exp(-np.clip(columns @ line, -30, 30)))
        curve = columns.T @ (columns * (chance * (1 - chance))[:, None]) + 1e-6 * np.eye(2)
        line = line - np.linalg.solve(curve, columns.T @ (chance - target) + 1e-6 * line)
    return float(line[0]), float(line[1])
