import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from kernels.evals.datasets.own import label_of
from kernels.evals.datasets.records import records
from kernels.evals.solvers import choice, writing
from kernels.evals.tasks.own import answers
from kernels.evals.tasks.own import choice as own_choice
from kernels.inference.writing import Writing
from kernels.models.formats.checkpoints import LanguageModel
from kernels.specs.tasks import EvalResult, Task, unwatched
from tests.byte_tokenizers import byte_tokenizer
from tests.small_models import small_llama


class Bytes:
    bos_token_id = eos_token_id = 0
    chat_template = None

    def __init__(self) -> None:
        self.backend_tokenizer = byte_tokenizer()


@pytest.fixture
def model() -> LanguageModel:
    return LanguageModel(small_llama(), Bytes(), "cpu")


def ask(task: Task, model: LanguageModel, data: Path, **config: Any) -> EvalResult:
    return task.run(model, data, task.config.model_validate({"seed": 1, "num_bootstrap": 5, **config}), unwatched)


def write(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


ROWS = [
    {"land": "Peru", "towns": ["Lima", "Cusco"], "right": "Lima", "part": "south"},
    {"land": "Mali", "towns": ["Gao", "Bamako"], "right": 1, "part": "west"},
]
LANDS = {"name": "lands", "prompt": "The capital of {{ land }} is"}


def test_a_file_a_template_and_two_names_of_fields_make_a_benchmark(model: LanguageModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(choice, "log_likelihoods", lambda model, requests: [-1.0 if number % 2 == 0 else -2.0 for number in range(len(requests))])
    path = write(tmp_path / "lands.jsonl", ROWS)
    scores, items, _ = ask(own_choice.SPEC, model, path, templates=[LANDS], options="towns", label="right", group="part")
    assert items["prompt"].to_list() == ["The capital of Peru is", "The capital of Mali is"]
    assert items["correct"].to_list() == [True, False]
    told = {score.metric: score.value for score in scores}
    assert (told["accuracy"], told["accuracy/south"], told["accuracy/west"]) == (0.5, 1.0, 0.0)


def test_examples_of_a_single_file_are_items_that_are_not_asked(model: LanguageModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(choice, "log_likelihoods", lambda model, requests: [-1.0] * len(requests))
    rows = [{"question": f"q{number}", "options": ["no", "yes"], "label": "B"} for number in range(6)]
    path = write(tmp_path / "six.jsonl", rows)
    items = ask(own_choice.SPEC, model, path, num_items=4, num_shots=2).items
    asked = {prompt.rpartition("\n\n")[2] for prompt in items["prompt"]}
    shown = {line.removesuffix(" yes") for prompt in items["prompt"] for line in prompt.split("\n\n")[:-1]}
    assert len(asked) == 4 and len(shown) == 2 and not asked & shown
    with pytest.raises(ValueError, match="3 examples are asked for, and 2 items are there that are not asked"):
        ask(own_choice.SPEC, model, path, num_items=4, num_shots=3)


def test_written_answers_are_read_by_a_pattern_and_compared_by_metrics(model: LanguageModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    said = {"Peru": "It is <Cusco> or <the Lima>", "Mali": "nobody knows"}

    def written(model: Any, prompts: Sequence[Sequence[int]], how: Writing, progress: Any) -> list[list[str]]:
        assert (how.max_new_tokens, how.stops) == (5, ("\n",))
        return [[said["Peru" if b"Peru" in bytes(prompt) else "Mali"]] for prompt in prompts]

    monkeypatch.setattr(writing, "written", written)
    path = write(tmp_path / "lands.jsonl", [{"land": "Peru", "town": ["Lima"]}, {"land": "Mali", "town": "Bamako"}])
    config = {"templates": [LANDS], "references": "town", "pattern": "<(.*?)>", "max_new_tokens": 5, "stops": ["\n"]}
    scores, items, _ = ask(answers.SPEC, model, path, metrics=["exact_match", "equal", "f1"], **config)
    assert items["answer"].to_list() == ["the Lima", None]
    assert [(score.metric, score.value) for score in scores if "/" not in score.metric] == [("exact_match", 0.5), ("equal", 0.0), ("f1", 0.5)]


def test_of_several_answers_the_one_that_most_give_is_compared_and_all_are_kept(
    model: LanguageModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(writing, "written", lambda model, prompts, how, progress: [["Gao", "Lima", "Lima"] for _ in prompts])
    path = write(tmp_path / "lands.jsonl", [{"land": "Peru", "town": "Lima"}])
    told = ask(answers.SPEC, model, path, templates=[LANDS], references="town", metrics=["equal"], max_new_tokens=5, num_samples=3)
    assert told.scores[0].value == 1 and told.items["texts"].to_list() == [["Gao", "Lima", "Lima"]]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({"land": "Peru", "towns": ["Lima", "Cusco"]}, r"lands\.jsonl:1: has no field 'right'"),
        ({"land": "Peru", "towns": "Lima", "right": 5}, r"lands\.jsonl:1: the label 5 names 0 of the options"),
        ({"land": "Peru", "towns": [], "right": 0}, r"lands\.jsonl:1: the field 'towns' is no text and no list"),
    ],
)
def test_a_record_that_is_no_item_is_an_error_that_names_it(model: LanguageModel, tmp_path: Path, row: dict[str, Any], fault: str):
    with pytest.raises(ValueError, match=fault):
        ask(own_choice.SPEC, model, write(tmp_path / "lands.jsonl", [row]), templates=[LANDS], options="towns", label="right")


def test_a_label_is_a_text_a_letter_or_a_number_in_this_order():
    assert label_of("f:1", "yes", ["no", "yes"]) == 1
    assert label_of("f:1", "B", ["no", "yes"]) == 1
    assert label_of("f:1", 1, ["no", "yes"]) == label_of("f:1", "1", ["no", "yes"]) == 1
    assert label_of("f:1", "0", ["1", "0"]) == 1, "a text that an option is comes before its number"
    with pytest.raises(ValueError, match="names 2 of the options"):
        label_of("f:1", "yes", ["yes", "yes"])


def test_a_pattern_without_a_group_is_refused():
    with pytest.raises(ValidationError, match="has no group"):
        answers.OwnAnswersConfig.model_validate({"seed": 1, "max_new_tokens": 1, "metrics": ["f1"], "pattern": "x"})


def test_records_come_in_every_format_with_the_key_of_their_place(tmp_path: Path):
    import gzip

    import polars as pl

    rows = [{"a": "x", "b": "1"}, {"a": 'y "z"', "b": "2"}]
    write(tmp_path / "r.jsonl", rows)
    (tmp_path / "r.jsonl.gz").write_bytes(gzip.compress((tmp_path / "r.jsonl").read_bytes()))
    (tmp_path / "r.json").write_text(json.dumps(rows))
    (tmp_path / "r.csv").write_text('a,b\nx,1\n"y ""z""",2\n')
    (tmp_path / "r.tsv").write_text('a\tb\nx\t1\n"y ""z"""\t2\n')
    pl.DataFrame(rows).write_parquet(tmp_path / "r.parquet")
    for name in ("r.jsonl", "r.jsonl.gz", "r.json", "r.csv", "r.tsv", "r.parquet"):
        found = list(records(tmp_path / name))
        assert [record for _, record in found] == rows, name
        assert found[1][0] == (f"{name}:3" if name in ("r.csv", "r.tsv") else f"{name}:2")


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("r.jsonl", '{"a": 1}\n{', r"r\.jsonl:2: not JSON"),
        ("r.json", "{}", r"r\.json: not a list of records"),
        ("r.csv", "a,b\n1\n", r"r\.csv:2: 1 fields where the header has 2"),
        ("r.txt", "a", r"r\.txt: no format has the suffix '\.txt'"),
        ("r.jsonl.gz", "no gzip", r"r\.jsonl\.gz: cannot be read"),
    ],
)
def test_a_damaged_file_is_an_error_that_names_the_place(tmp_path: Path, name: str, text: str, fault: str):
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=fault):
        list(records(tmp_path / name))


def test_all_that_a_record_says_is_kept_out_of_training(tmp_path: Path):
    path = write(tmp_path / "lands.jsonl", ROWS[:1])
    (texts,) = own_choice.SPEC.texts.read(path)  # pyright: ignore[reportOptionalMemberAccess]
    assert (texts.parts, texts.key) == (("Peru", "Lima", "Cusco", "Lima", "south"), "lands.jsonl:1")
