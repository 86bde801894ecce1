"""The curves of one training, and of several together."""

import io

import polars as pl
import pytest
from PIL import Image

from kernels.charts.losses import plot_losses, plot_runs

STEPS = [float(step) for step in range(1, 201)]
LOSSES = pl.DataFrame({"step": STEPS, "loss": [2 + 4 / step for step in STEPS], "num_tokens": [1024.0] * 200})
MEASURED = {
    "validation_loss": pl.when(pl.col("step") % 50 == 0).then(2.5),
    "validation_bits_per_byte": pl.when(pl.col("step") % 50 == 0).then(1.1),
    "learning_rate": 1e-3 / pl.col("step"),
    "gradient_norm": 1 + 1 / pl.col("step"),
    "tokens_per_second": 5000 + pl.col("step"),
    "mfu": 0.2 + pl.col("step") / 1000,
}


def height_of(picture: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(picture)).size


def test_each_thing_that_is_measured_is_seen_and_all_of_it_is_a_small_png() -> None:
    everything = LOSSES.with_columns(**MEASURED)
    whole = plot_losses(everything)
    assert whole.startswith(b"\x89PNG")
    assert len(whole) < 50_000
    assert whole == plot_losses(everything.reverse())
    assert len({whole, *(plot_losses(everything.drop(column)) for column in MEASURED)}) == 7


def test_what_was_never_measured_takes_no_room() -> None:
    plain = plot_losses(LOSSES)
    assert plot_losses(LOSSES.with_columns(mfu=pl.lit(None, pl.Float64))) == plain
    assert height_of(plot_losses(LOSSES.with_columns(mfu=MEASURED["mfu"]))) != height_of(plain)


def test_a_training_of_preferences_shows_how_often_the_chosen_answer_is_preferred() -> None:
    told = LOSSES.with_columns(pl.lit(0.5).alias("rewards/accuracies"))
    assert height_of(plot_losses(told)) != height_of(plot_losses(LOSSES))


def test_runs_are_told_apart_and_drawn_against_the_tokens_they_read() -> None:
    wide = LOSSES.with_columns(num_tokens=pl.col("num_tokens") * 4)
    runs = {f"model_{index}": LOSSES.with_columns(loss=pl.col("loss") + index / 10) for index in range(12)}
    assert len(plot_runs(runs)) < 50_000
    assert plot_runs({"a": LOSSES, "b": wide}) != plot_runs({"a": LOSSES, "b": LOSSES})
    untold = {name: losses.drop("num_tokens") for name, losses in {"a": LOSSES, "b": wide}.items()}
    assert plot_runs(untold) == plot_runs({"a": untold["a"], "b": wide})


def test_validation_is_drawn_where_every_run_has_it_in_bits_a_byte_before_nats() -> None:
    loss, both = LOSSES.with_columns(validation_loss=MEASURED["validation_loss"]), LOSSES.with_columns(**MEASURED)
    plain = plot_runs({"a": LOSSES, "b": LOSSES})
    assert plot_runs({"a": both, "b": LOSSES}) == plain, "what only one has compares nothing"
    by_loss, by_bits = plot_runs({"a": loss, "b": both}), plot_runs({"a": both, "b": both})
    assert len({plain, by_loss, by_bits}) == 3
    assert by_loss == plot_runs({"a": loss, "b": loss})
    assert by_bits == plot_runs({name: both.with_columns(validation_loss=pl.lit(9.0)) for name in "ab"})


def test_a_run_without_a_step_is_named() -> None:
    with pytest.raises(ValueError, match="no losses to plot of b; leave out"):
        plot_runs({"a": LOSSES, "b": LOSSES.clear()})
    with pytest.raises(ValueError, match="of any model"):
        plot_runs({})
