"""How well scores separate two classes: the area under the ROC curve."""

import numpy as np
from numpy.typing import NDArray


def auc(scores: NDArray[np.float64], labels: NDArray[np.bool_]) -> float:
    """Return the probability that a positive scores above a negative, ties counting half (Mann and Whitney, 1947)."""
    positives, size = int(labels.sum()), len(labels)
    if positives in (0, size):
        raise ValueError(f"auc needs both classes; {positives} of {size} labels are positive")
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    return float((rank[labels].sum() - positives * (positives + 1) / 2) / (positives * (size - positives)))
