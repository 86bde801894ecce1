"""The plot of a ladder."""

import polars as pl
import pytest

from kernels.charts.numbers import size_words
from kernels.charts.scaling import Promise, plot_scaling

SCHEMA = ["num_parameters", "flops", "loss"]
RUNS = pl.DataFrame([(size, 6.0 * size * tokens, 2 + 3e6 / size) for size in (1e6, 4e6) for tokens in (1e8, 4e8)], schema=SCHEMA, orient="row")
NO_LAW = RUNS.clear()


def drawn(runs: pl.DataFrame = RUNS, fitted: pl.DataFrame = RUNS, promises: tuple[Promise, ...] = ()) -> bytes:
    return plot_scaling(runs, fitted, list(promises), x="flops", loss_label="loss (nats per token)", formula="2 + 3e6 / N")


def test_a_ladder_is_a_small_png_and_always_the_same() -> None:
    sizes = [1e6 * 2**step for step in range(8)]
    runs = pl.DataFrame([(size, 6 * size * tokens, 2 + 3e6 / size) for size in sizes for tokens in (1e8, 4e8)], schema=SCHEMA, orient="row")
    picture = drawn(runs, runs, (Promise(1e18, 2.1, 2.0, 2.2, 2.15),))
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 50_000
    assert picture == drawn(runs.reverse(), runs.reverse(), (Promise(1e18, 2.1, 2.0, 2.2, 2.15),))


def test_the_law_the_promise_and_what_was_reached_are_each_seen() -> None:
    promised = Promise(1e17, 2.1, 2.0, 2.2, None)
    pictures = [drawn(fitted=NO_LAW), drawn(), drawn(promises=(promised,)), drawn(promises=(promised._replace(reached=2.15),))]
    assert len(set(pictures)) == 4


def test_what_an_axis_in_logs_cannot_show_is_refused() -> None:
    with pytest.raises(ValueError, match="no runs"):
        drawn(RUNS.clear())
    with pytest.raises(ValueError, match="above zero only"):
        drawn(RUNS.with_columns(loss=pl.lit(0.0)))


def test_sizes_are_written_with_three_figures() -> None:
    assert [size_words(number) for number in (950, 1234.0, 5.9e6, 1e9, 1.75e12)] == ["950", "1.23k", "5.9M", "1G", "1.75T"]
