"""What a training told, as metadata of its checkpoint: curves, speed, what tensors did.

What a checkpoint is known by follows from config and data. What clocks told stands in the scratch folder, which goes when the checkpoint stands:
speed is taken from there into a table beside it (`SPEED`), which is no part of its content.
"""

from assets.graph.build import CellBuild
from kernels.training.logs.losses import LOSSES
from kernels.training.logs.telling import SPEEDS, read_told, speeds_of
from kernels.training.logs.tensors import STATISTICS

SPEED = "speed"
"""Table in the cell: step, tokens_per_second and mfu of the last seconds before it, and memory_mb."""


def show_training(build: CellBuild) -> None:
    """Add curves to the draft, where the method wrote any; speed among them where the training told it."""
    path = build.draft.folder / LOSSES
    if not path.exists():
        return
    import polars as pl

    from kernels.charts.losses import plot_losses
    from kernels.charts.tensors import plot_update_ratios

    losses = pl.read_parquet(path, glob=False, hive_partitioning=False)
    build.draft.num_rows = losses.height
    try:
        speeds = speeds_of(read_told(build.scratch))
    except ValueError as error:  # a log that was damaged stops no model
        build.draft.metadata["speed_not_shown"] = str(error)
        speeds = []
    if speeds:
        told = pl.DataFrame(speeds, schema={"step": pl.Float64, **dict.fromkeys(SPEEDS, pl.Float64)})
        losses = losses.join(told, on="step", how="left")
        build.write(SPEED, told.to_arrow())
        build.draft.unhashed.append(f"{SPEED}.parquet")
    build.write_plot("loss_curve", plot_losses(losses))
    statistics = build.draft.folder / STATISTICS
    if statistics.exists() and (rows := pl.read_parquet(statistics, glob=False, hive_partitioning=False)).height:
        build.write_plot("tensor_updates", plot_update_ratios(rows))
