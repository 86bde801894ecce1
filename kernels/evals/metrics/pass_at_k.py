"""pass@k: how likely one of k programs solves a problem, from how many of n samples did (Chen et al. 2021, arXiv:2107.03374, equation 1)."""

import math


def pass_at_k(num_samples: int, num_passed: int, k: int) -> float:
    """Return the unbiased estimate for one problem; that of a data set is the mean over its problems.

    It is the chance that k samples, drawn from the n without putting back, hold one of the c that passed: ``1 - C(n-c, k) / C(n, k)``, computed
    from whole numbers of any size, so that the division alone rounds.

    Raises:
        ValueError: k is not within 1 to ``num_samples``, or ``num_passed`` not within 0 to it.
    """
    if not (1 <= k <= num_samples and 0 <= num_passed <= num_samples):
        raise ValueError(f"pass@{k} of {num_passed} passes in {num_samples} samples: draw at least k samples, and pass at most all of them")
    num_draws = math.comb(num_samples, k)
    return (num_draws - math.comb(num_samples - num_passed, k)) / num_draws
