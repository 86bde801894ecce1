"""Whether a training is found to have learned: by its batches, or by validations of the same examples where batches differ by more."""

from pathlib import Path

import pytest

from kernels.training.logs.losses import LossLimits, judge_losses, write_losses


def judged(folder: Path, losses: list[float], validated: dict[int, float], fall: float = 0.0) -> tuple[bool, str]:
    write_losses([{"step": float(step), "loss": loss, "validation_loss": validated.get(step)} for step, loss in enumerate(losses)], folder)
    found = judge_losses(folder, {}, LossLimits(min_relative_fall=fall))
    return found.passed, found.description


@pytest.mark.parametrize(
    ("losses", "validated", "passed"),
    [
        ([4.0, 3.0], {}, True),
        ([3.0, 4.0], {}, False),
        ([3.0, 4.0], {0: 3.5, 1: 3.4}, True),
        ([3.0, 4.0], {0: 3.4, 1: 3.5}, False),
        ([3.0, 4.0], {1: 3.4}, False),
        ([4.0, 3.0], {0: 3.4, 1: 3.5}, True),
        ([3.0, float("inf")], {0: 3.5, 1: 3.4}, False),
        ([4.0, 3.0], {0: 3.5, 1: float("nan")}, False),
    ],
    ids=["fell", "rose", "fell on validation", "rose on both", "validated once", "fell but not on validation", "not finite", "not on validation"],
)
def test_a_training_learned_where_either_loss_fell_and_all_are_finite(
    tmp_path: Path, losses: list[float], validated: dict[int, float], passed: bool
) -> None:
    assert judged(tmp_path, losses, validated)[0] == passed


def test_the_least_fall_holds_for_validation_too(tmp_path: Path) -> None:
    assert judged(tmp_path, [3.0, 4.0], {0: 4.0, 1: 3.0}, fall=0.2) == (
        True,
        "loss 3.000 -> 4.000 over 2 records (below 2.400), on validation 4.000 -> 3.000",
    )
    assert not judged(tmp_path, [3.0, 4.0], {0: 4.0, 1: 3.9}, fall=0.2)[0]
