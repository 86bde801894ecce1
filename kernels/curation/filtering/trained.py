"""The classifier that a filter asks: one of those that the recipe trains."""

from typing import TYPE_CHECKING

from kernels.curation.filtering.batch import TextBatch
from kernels.specs.needs import TrainedClassifier

if TYPE_CHECKING:
    from kernels.curation.classifiers.hashed_ngrams import Classifier


def trained(batch: TextBatch, classifier: str) -> "Classifier":
    """Return a classifier of the recipe.

    Raises:
        ValueError: the classifier is not among the recipe's.
    """
    from kernels.curation.classifiers.hashed_ngrams import load

    need = TrainedClassifier(classifier)
    if need not in batch.paths:
        known = sorted(other.name for other in batch.paths if isinstance(other, TrainedClassifier))
        raise ValueError(f"{classifier!r} is not among the recipe's classifiers: {known}")
    return load(batch.paths[need])
