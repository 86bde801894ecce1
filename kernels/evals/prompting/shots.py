"""Examples before a question: chosen by a seed, the same for every item and model, so that what they share is read once."""

from collections.abc import Sequence

from kernels.evals.datasets.items import Item
from kernels.evals.prompting.config import ShotOrder
from kernels.tokens.mixtures.permutation import key_of


def choose_shots(pool: Sequence[Item], num_shots: int, order: ShotOrder, seed: int) -> list[Item]:
    """Return so many examples of a pool.

    Balanced ones take each right option (by its index) in turn, as far as the pool has it (Zhao et al. 2021, arXiv 2102.09690, on what an unbalanced
    prompt does).

    Raises:
        ValueError: the pool has fewer.
    """
    if len(pool) < num_shots:
        raise ValueError(f"num_shots: {num_shots} examples are asked for, and {len(pool)} items are there that are not asked; ask fewer")
    if order == "first":
        return list(pool[:num_shots])
    drawn = sorted(pool, key=lambda item: key_of("shot", seed, item.key))
    if order == "drawn":
        return drawn[:num_shots]
    waiting: dict[tuple[int, ...], list[Item]] = {}
    for item in drawn:
        waiting.setdefault(item.expected, []).append(item)
    rounds = [(number, place, item) for place, (_, group) in enumerate(sorted(waiting.items())) for number, item in enumerate(group)]
    balanced = [item for _, _, item in sorted(rounds, key=lambda each: each[:2])][:num_shots]
    return sorted(balanced, key=lambda item: key_of("place", seed, item.key))
