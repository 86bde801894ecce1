"""Values that do not go together, and files that would not end, are faults of the recipe with their line: none is found by a run."""

import time
from pathlib import Path

import pytest

from pipelines.recipe.schema import load_recipe
from tests.small_recipe import RECIPE, changed, faults, line_of, write

TOGETHER = {
    "heads divide the width": ("num_heads: 2", "num_heads: 3", "num_heads: 3", "architecture.num_heads: 3 heads do not divide hidden_size 32"),
    "key heads divide the heads": ("num_kv_heads: 1", "num_kv_heads: 3", "num_kv_heads: 3", "3 does not divide num_heads 2; take one of 1, 2"),
    "a head has an even width": ("num_heads: 2", "num_heads: 32", "num_heads: 32", "a head is 1 wide"),
    "sequences fit": ("sequence_length: 64", "sequence_length: 65", "    data: pretrain\n", "65 tokens (sequence_length), and the model may read 64"),
    "examples fit": ("max_length: 64", "max_length: 128", "max_length: 128", "models.sft.max_length: 128 tokens, and the model may read 64"),
    "a sample fits": ("num_sequences: 2, sequence_length: 32", "num_sequences: 2, sequence_length: 99", "sequence_length: 99", "may read 64"),
    "warm-up ends": ("num_steps: 30", "num_steps: 1", "    warmup_steps: 2\n    min", "models.base.warmup_steps: 2 is more than num_steps, 1"),
    "warm-up of fine-tuning ends": ("num_steps: 8", "num_steps: 1", "    warmup_steps: 2\n    max", "models.sft.warmup_steps: 2 is more than"),
    "a range holds something": ("min_words: 20", "min_words: 200000", "min_words", "200000 is more than max_words, 100000"),
    "a seed is one": ("minhash: {seed: 1}", "minhash: {seed: -1}", "minhash", "seed"),
    "a seed of an eval is one": ("max_bytes: 500, seed: 1", "max_bytes: 500, seed: -1", "heldout: {task", "-1 is no seed"),
    "a trainer's seed is one": ("seed: 2", "seed: 9223372036854775808", "seed: 9223372036854775808", "below 2**63"),
    "a number is finite": ("learning_rate: 0.003", "learning_rate: .inf", "learning_rate: .inf", "finite number"),
    "the vocabulary holds the bytes": ("vocab_size: 300", "vocab_size: 200", "vocab_size: 200", "greater than or equal to 260"),
    "items are asked": ("data: piqa.jsonl, num_items: 20", "data: piqa.jsonl, num_items: -5", "piqa: {task", "greater than 0"),
    "something is held out": ("validation_fraction: 0.2", "validation_fraction: 0", "heldout: {task", "holds no document out (validation_fraction is 0)"),  # noqa: E501
    "a stage names sources": ("max_epochs: 50.0", "max_epochs: 50.0\n    stages: [{from: 0.5, weights: {boks: 1.0}}]", "    stages:", "mixtures.pretrain.stages.0.weights.boks: no source is named 'boks'; did you mean 'books'?"),  # noqa: E501
    "a stage begins within": ("max_epochs: 50.0", "max_epochs: 50.0\n    stages: [{from: 1.5, weights: {books: 1.0}}]", "    stages:", "mixtures.pretrain.stages.0.from: Input should be less than 1"),  # noqa: E501
    "a stage's keys are known": ("max_epochs: 50.0", "max_epochs: 50.0\n    stages: [{form: 0.5, weights: {books: 1.0}}]", "    stages:", "mixtures.pretrain.stages.0.form: unknown key 'form'; did you mean 'from'?"),  # noqa: E501
    "stages come in order": ("max_epochs: 50.0", "max_epochs: 50.0\n    stages: [{from: 0.5, weights: {books: 1.0}}, {from: 0.4, weights: {books: 1.0}}]", "    stages:", "the stage from 0.4 stands behind that from 0.5"),  # noqa: E501
    "epochs are of its sources": ("max_epochs: 50.0", "max_epochs: {boks: 50.0, books: 2.0}", "    max_epochs:", "mixtures.pretrain.max_epochs: no weight names boks; name sources of the mixture: books"),  # noqa: E501
    "epochs are of all its sources": ("max_epochs: 50.0", "max_epochs: {}", "    max_epochs:", "mixtures.pretrain.max_epochs: it does not say how often books may be read"),  # noqa: E501
    "epochs are more than none": ("max_epochs: 50.0", "max_epochs: -1", "    max_epochs:", "mixtures.pretrain.max_epochs: that of books is not more than 0"),  # noqa: E501
    "a cap is of a source": ("max_epochs: 50.0", "max_epochs: 50.0\n    max_tokens: {web: 5}", "    max_tokens:", "mixtures.pretrain.max_tokens: no weight names web"),  # noqa: E501
    "weights are there": ("weights: {books: 1.0}", "weights: {}", "weights: {}", "at least 1"),
    "a score is one of the eval's": ("metric: heldout/bits_per_byte", "metric: heldout/bits_per_bit", "release:", "no score 'bits_per_bit'; did you mean 'bits_per_byte'?"),  # noqa: E501
    "a quantized model ends its line": ("from: [sft], num_sequences", "from: [small_sft], num_sequences", "small_sft: {", "made"),
    "a moment of letters": ("{watch_seconds: 60}", "{refresh: a b c d e}", "schedules:", "'a b c d e' is no time; write minute, hour"),
    "an hour that no day has": ("{watch_seconds: 60}", '{refresh: "0 25 * * *"}', "schedules:", "'0 25 * * *' is no time"),
    "a day that no month has": ("{watch_seconds: 60}", '{refresh: "0 5 31 4 *"}', "schedules:", "'0 5 31 4 *' never comes"),
}  # fmt: skip


@pytest.mark.parametrize("kind", TOGETHER)
def test_values_that_do_not_go_together_are_told_with_their_line(kind: str, tmp_path: Path) -> None:
    old, new, there, message = TOGETHER[kind]
    text = changed(old, new)
    told = faults(tmp_path, text)
    number = text[: text.index(there)].count("\n") + 1
    assert any(line.startswith(f"{number}:") and message in line for line in told), told


@pytest.mark.parametrize("cron", ["*/5 * * * mon-fri", "0 5 29 2 *", "0 0 1-7 jan,jul *", "0 5 * * 7"])
def test_moments_that_come_are_taken(cron: str, tmp_path: Path) -> None:
    text = changed("{watch_seconds: 60}", f'{{refresh: "{cron}"}}')
    assert load_recipe(write(tmp_path, text)).entries.schedules.refresh == cron


def laughs(inner: str, outer: str) -> str:
    lines = [f"a0: &a0 {inner}"]
    lines += [f"a{level}: &a{level} {outer % ', '.join([f'*a{level - 1}'] * 10)}" for level in range(1, 10)]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("text", [laughs("[x]", "[%s]"), laughs("{x: 1}", "{<<: [%s]}"), laughs("{x: 1}", "{k: [%s]}")])
def test_aliases_that_stand_for_a_billion_values_are_told_at_once(text: str, tmp_path: Path) -> None:
    began = time.process_time()
    assert faults(tmp_path, text) == ["1: its aliases stand for more than 100,000 values; write out what is meant"]
    assert time.process_time() - began < 2


def test_an_alias_for_what_is_meant_twice_is_taken(tmp_path: Path) -> None:
    text = changed("  chats: {format: chats, path: chats}\n", "  chats: &chats {format: chats, path: chats}\n  more: *chats\n")
    assert set(load_recipe(write(tmp_path, text)).entries.sources) == {"books", "chats", "more"}


def test_a_file_that_is_no_recipe_by_its_size_is_told(tmp_path: Path) -> None:
    assert faults(tmp_path, RECIPE + "#" * (1 << 20)) == [" larger than 1,048,576 bytes; a recipe is no data, name data by their paths"]


@pytest.mark.parametrize("value", ["2024-99-99", "9" * 5000])
def test_a_number_or_date_that_is_none_is_told(value: str, tmp_path: Path) -> None:
    (told,) = faults(tmp_path, changed("watch_seconds: 60", f"watch_seconds: {value}"))
    assert "cannot be read" in told


def test_a_key_within_an_architecture_is_told_with_its_own_line(tmp_path: Path) -> None:
    text = changed("num_heads: 2", "num_heads: 5")
    assert faults(tmp_path, text)[0].startswith(f"{line_of(text, 'num_heads: 5')}: models.base.architecture.num_heads: ")
