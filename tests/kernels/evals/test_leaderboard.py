import polars as pl
import pytest

from kernels.charts.losses import plot_losses
from kernels.charts.scores import plot_scores
from kernels.evals.leaderboard import SCORES, headlines, leaderboard_markdown, leaderboard_table

ROWS = [
    ("base", "piqa", "accuracy", 0.60, 0.53, 0.67, 0.5, 200, True),
    ("base", "piqa", "accuracy_normalized", 0.61, 0.54, 0.68, 0.5, 200, True),
    ("base", "perplexity", "bits_per_byte", 1.2, 1.1, 1.3, 8.0, 9, False),
    ("base", "perplexity", "bits_per_byte/wikipedia", 1.1, 1.0, 1.2, 8.0, 5, False),
    ("aligned", "piqa", "accuracy", 0.65, 0.58, 0.72, 0.5, 200, True),
    ("aligned", "perplexity", "bits_per_byte", 1.0, 0.9, 1.1, 8.0, 9, False),
]


def scores(rows: list[tuple[object, ...]] | None = None) -> pl.DataFrame:
    return pl.DataFrame(ROWS if rows is None else rows, schema=SCORES, orient="row")


def test_the_table_has_a_row_a_model_best_first_and_then_chance():
    assert leaderboard_table(scores())["model"].to_list() == ["aligned", "base", "chance"]


def test_a_cell_gives_the_value_and_its_interval_and_an_absent_score_is_null():
    table = leaderboard_table(scores())
    assert table["piqa/accuracy"].to_list() == ["0.650 (0.580 to 0.720)", "0.600 (0.530 to 0.670)", "0.500"]
    assert table["piqa/accuracy_normalized"][0] is None


def test_columns_say_where_lower_is_better_and_leave_breakdowns_out():
    assert leaderboard_table(scores()).columns[-1] == "perplexity/bits_per_byte (lower is better)"


def test_a_model_that_an_eval_does_not_apply_to_is_absent_from_it_and_neither_last_nor_zero():
    table = leaderboard_table(scores([*ROWS, ("encoder", "piqa", "accuracy", 0.62, 0.5, 0.7, 0.5, 200, True)]))
    assert dict(table.select("model", "mean_rank").iter_rows()) == {"aligned": 1.0, "encoder": 2.0, "base": 2.5, "chance": None}
    (column,) = [name for name in table.columns if name.startswith("perplexity/")]
    assert table.filter(pl.col("model") == "encoder")[column].to_list() == [None]


def test_an_eval_that_one_model_alone_was_asked_ranks_nobody():
    alone = ("sees", "image_questions", "accuracy", 0.3, 0.2, 0.4, 0.25, 50, True)
    table = leaderboard_table(scores([*ROWS, ("sees", "piqa", "accuracy", 0.5, 0.4, 0.6, 0.5, 200, True), alone]))
    assert dict(table.select("model", "mean_rank").iter_rows()) == {"aligned": 1.0, "base": 2.0, "sees": 3.0, "chance": None}
    assert table.filter(pl.col("model") == "sees")["image_questions/accuracy"].to_list() == ["0.300 (0.200 to 0.400)"]


def test_a_model_that_no_other_compares_with_has_no_rank_and_stands_last():
    table = leaderboard_table(scores([*ROWS, ("a", "image_questions", "accuracy", 0.9, 0.8, 1.0, 0.25, 50, True)]))
    assert table.select("model", "mean_rank").rows()[2:] == [("a", None), ("chance", None)]
    assert headlines(scores(ROWS[:1]))[1] == ["base"]


def test_markdown_has_a_line_a_row_and_a_dash_for_nothing():
    lines = leaderboard_markdown(leaderboard_table(scores())).splitlines()
    assert lines[0].startswith("| model | mean_rank | piqa/accuracy |")
    assert lines[2].startswith("| aligned | 1.00 | 0.650 (0.580 to 0.720) | - |")
    assert len(lines) == 5


def test_two_scores_of_one_thing_are_refused():
    with pytest.raises(ValueError, match="keep the newer"):
        leaderboard_table(scores([ROWS[0], ROWS[0]]))


def test_a_table_without_a_needed_column_is_refused_by_name():
    with pytest.raises(ValueError, match="chance"):
        leaderboard_table(scores().drop("chance"))


def test_the_leaderboard_plot_of_many_models_is_a_small_png_and_always_the_same():
    many = scores([(f"a-rather-long-model-name-{index}", *row[1:]) for index in range(12) for row in ROWS[:4]])
    picture = plot_scores(*headlines(many))
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 50_000
    assert picture == plot_scores(*headlines(many))


def test_the_loss_plot_shows_validation_where_there_is_one():
    losses = pl.DataFrame({"step": list(range(100)), "loss": [5 - step / 50 for step in range(100)]})
    with_validation = losses.with_columns(validation_loss=pl.when(pl.col("step") % 50 == 0).then(4.0))
    plain, both = plot_losses(losses), plot_losses(with_validation)
    assert plain.startswith(b"\x89PNG")
    assert plain != both
    assert max(len(plain), len(both)) < 50_000


def test_nothing_to_plot_is_an_error():
    with pytest.raises(ValueError, match="no scores"):
        plot_scores(*headlines(scores([])))
    with pytest.raises(ValueError, match="no losses"):
        plot_losses(pl.DataFrame({"step": [], "loss": []}))
