"""Sizes of a model unfold into models and a ladder, and faults keep their lines."""

from pathlib import Path

import pytest

from pipelines.recipe.schema import load_recipe
from pipelines.recipe.yaml_source import RecipeError
from tests.small_recipe import RECIPE, SMALL, write

SIZES = """\
    sizes:
      a: {architecture: {hidden_size: 16}}
      b: {architecture: {hidden_size: 48, num_heads: 4}, num_steps: 40}
      c: {}
      d: {num_steps: 60}
    held_out: [b]
"""
LADDER = SMALL + SIZES


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def fault(tmp_path: Path, text: str) -> str:
    with pytest.raises(RecipeError) as error:
        load_recipe(write(tmp_path, text))
    return str(error.value).removeprefix(f"{tmp_path}/recipe.yaml:")


def test_each_size_is_a_model_that_says_what_the_entry_says_but_for_what_it_changes(tmp_path: Path) -> None:
    entries = load_recipe(write(tmp_path, LADDER)).entries
    assert list(entries.models) == ["base_a", "base_b", "base_c", "base_d"]
    shapes = {name: (entry.architecture.hidden_size, entry.architecture.num_heads, entry.num_steps) for name, entry in entries.models.items()}
    assert shapes == {"base_a": (16, 2, 30), "base_b": (48, 4, 40), "base_c": (32, 2, 30), "base_d": (32, 2, 60)}
    assert entries.ladders["base"].models == list(entries.models) and entries.ladders["base"].held_out == ["base_b"]


def test_a_fault_of_a_size_is_told_with_its_own_line_and_one_of_the_entry_with_that_of_the_entry(tmp_path: Path) -> None:
    text = LADDER.replace("{hidden_size: 48, num_heads: 4}", "{hidden_size: 48, num_heads: 5}")
    assert fault(tmp_path, text).startswith(f"{line_of(text, 'num_heads: 5')}: models.base_b.architecture.num_heads: 5 heads do not divide")
    text = LADDER.replace("batch_size: 4", "batch_size: none")
    assert fault(tmp_path, text).startswith(f"{line_of(text, 'batch_size: none')}: models.base_a.batch_size: ")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("held_out: [b]", "held_out: [x]", "models.base.held_out: no size is named 'x'; valid: a, b, c, d"),
        ("held_out: [b]", "held_out: b", "models.base.held_out: name the sizes that the law is checked against as a list, such as [a]"),
        ("      c: {}\n      d: {num_steps: 60}\n", "", "ladders.base.models: List should have at least 4 items"),
    ],
)
def test_ladders_that_say_nothing_are_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert said in fault(tmp_path, LADDER.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "d: {num_steps: 60}",
            "d: {num_steps: 60, max_validation_sequences: 2}",
            "base_a and base_d are not measured alike (max_validation_sequences)",
        ),
        ("d: {num_steps: 60}", "d: {num_steps: 60, objective: {kind: fill_in_the_middle}}", "base_a and base_d are not measured alike (objective)"),
        ("d: {num_steps: 60}", "d: {num_steps: 60, stop_after_steps: 20}", "base_d stops before the end of its schedule"),
    ],
)
def test_losses_of_a_ladder_are_of_the_same_rows_and_question_and_of_whole_trainings(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert said in fault(tmp_path, LADDER.replace(old, new))


def test_a_model_stands_in_a_ladder_once(tmp_path: Path) -> None:
    text = LADDER.replace("    held_out: [b]\n", "") + "ladders:\n  mine: {models: [base_a, base_b, base_c, base_c]}\n"
    assert "ladders.mine.models.3: the model 'base_c' stands here twice; leave one out" in fault(tmp_path, text)


def test_a_size_does_not_take_the_name_of_another_model(tmp_path: Path) -> None:
    text = RECIPE.replace(
        "    checkpoint_every: 5\n    seed: 1\n", "    checkpoint_every: 5\n    seed: 1\n" + SIZES.replace("      a:", "      sft:"), 1
    )
    assert "a model is named 'base_sft' already" in fault(tmp_path, text.replace("  sft:\n    method", "  base_sft:\n    method", 1))


def test_sizes_of_two_models_do_not_become_one(tmp_path: Path) -> None:
    entry = LADDER[LADDER.index("  base:\n") :].replace("  base:\n", "  base_x:\n", 1)
    text = LADDER.replace("      c: {}", "      x_a: {}", 1) + entry
    assert "models.base_x.sizes.a: a model is named 'base_x_a' already" in fault(tmp_path, text)


def test_a_ladder_is_not_replaced_by_that_of_sizes_of_the_same_name(tmp_path: Path) -> None:
    text = LADDER + "ladders:\n  base:\n    models: [base_a, base_b, base_c, base_d]\n    seed: 5\n"
    assert fault(tmp_path, text).startswith(f"{line_of(text, '  base:' + chr(10) + '    models:')}: ladders.base: the sizes of the model 'base' make")


def test_models_of_a_ladder_learn_from_one_mixture(tmp_path: Path) -> None:
    text = LADDER.replace("      c: {}", "      c: {data: other}").replace("models:\n", "  other:" + _mixture() + "models:\n", 1)
    assert "its models learn from other, pretrain, so that their losses do not compare" in fault(tmp_path, text)


def _mixture() -> str:
    return SMALL.split("  pretrain:", 1)[1].split("models:", 1)[0]
