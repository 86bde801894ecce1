"""The losses of a training run: the table that every trained checkpoint holds, and the check on it."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from kernels.specs.config import Config
from kernels.specs.methods import CheckpointFinding, MethodCheck

LOSSES = "losses.parquet"
"""In a checkpoint's folder: step, loss, and what else was logged."""


VALIDATION = "validation_loss"


class LossLimits(Config):
    """How far the loss must fall."""

    min_relative_fall: float = Field(default=0.0, ge=0, lt=1)
    """Least fall of the loss from the first to the last tenth of the records, or from the first validation to the last, as a share of the first."""


def write_losses(records: Sequence[Mapping[str, float | None]], folder: Path) -> None:
    """Write one row a logged step into a checkpoint's folder, with a column for whatever any of them tells."""
    names = list(dict.fromkeys(name for record in records for name in record))
    rows = [{name: record.get(name) for name in names} for record in records]
    pq.write_table(pa.Table.from_pylist(rows), folder / LOSSES, compression="zstd")  # pyright: ignore[reportUnknownMemberType]


def judge_losses(folder: Path, summary: Mapping[str, Any], limits: LossLimits) -> CheckpointFinding:
    """Return whether every loss is finite, of validations too, and the last tenth of them below the first or the last validation below the first.

    A model that stands learns little that is new in a few steps, and batches of few examples differ by more: validations are of the same examples.
    """
    table = pq.read_table(folder / LOSSES, partitioning=None)  # pyright: ignore[reportUnknownMemberType]
    rows: list[dict[str, Any]] = table.select([name for name in ("loss", "skipped", VALIDATION) if name in table.column_names]).to_pylist()
    losses = [float(row["loss"]) for row in rows if row["loss"] is not None and not row.get("skipped")]
    if not losses:
        return CheckpointFinding(False, "no step was taken: each was left out as out of the usual", {})
    tenth = max(1, len(losses) // 10)
    first, last = sum(losses[:tenth]) / tenth, sum(losses[-tenth:]) / tenth
    validated = [float(row[VALIDATION]) for row in rows if row.get(VALIDATION) is not None]
    finite = all(math.isfinite(loss) for loss in (*losses, *validated))
    asked = first * (1 - limits.min_relative_fall)
    fell = last < asked
    description = ("" if finite else "a loss is not finite: ") + f"loss {first:.3f} -> {last:.3f} over {len(losses)} records (below {asked:.3f})"
    if len(validated) > 1:
        fell = fell or validated[-1] < validated[0] * (1 - limits.min_relative_fall)
        description += f", on validation {validated[0]:.3f} -> {validated[-1]:.3f}"
    return CheckpointFinding(finite and fell, description, {"first": first, "last": last})


LOSS_FELL = MethodCheck(
    name="loss_is_finite_and_fell",
    description="Every loss is finite, and the last tenth is below the first or the last validation below the first.",
    version=3,
    blocking=True,
    limits=LossLimits(),
    judge=judge_losses,
)
