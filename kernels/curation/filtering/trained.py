"""The classifier that a filter asks: one of those that the recipe trains."""

from typing import TYPE_CHECKING

from kernels.curation.filtering.batch import TextBatch

if TYPE_CHECKING:
    from kernels.curation.classifiers.hashed_ngrams import Classifier


def file_name(classifier: str) -> str:
    """Return under which name a batch holds the folder of a classifier."""
    return f"classifiers/{classifier}"


def trained(batch: TextBatch, classifier: str) -> "Classifier":
    """Return a classifier of the recipe.

    Raises:
        ValueError: the classifier is not among the recipe's.
    """
    from kernels.curation.classifiers.hashed_ngrams import load

    name = file_name(classifier)
    if name not in batch.files:
        raise ValueError(f"{classifier!r} is not among the recipe's classifiers: {sorted(batch.files)}")
    return load(batch.files[name])
