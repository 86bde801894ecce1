import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from kernels.evals.datasets.items import Item
from kernels.evals.solvers import choice
from kernels.evals.solvers.choice import CHOICE, Choice, ChoiceConfig, normalised
from kernels.evals.solvers.solving import Put, Solved
from kernels.evals.templates.template import Template
from kernels.inference.likelihoods.requests import Request
from kernels.models.formats.checkpoints import LanguageModel
from kernels.specs.tasks import unwatched
from tests.byte_tokenizers import byte_tokenizer

PLAIN = Template(name="plain", prompt="Q: {{ question }} A:", premise="A:")
CLOZE = Template(name="cloze", prompt="{{ question }} {{ blank }} then.")
Say = Callable[[str, str], float]


class Bytes:
    bos_token_id = eos_token_id = 0
    chat_template = None

    def __init__(self) -> None:
        self.backend_tokenizer = byte_tokenizer()


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    return LanguageModel(LlamaForCausalLM(LlamaConfig(vocab_size=256, max_position_embeddings=64, **sizes)).eval(), Bytes(), "cpu")


@pytest.fixture
def saying(monkeypatch: pytest.MonkeyPatch) -> Callable[[Say], list[tuple[str, str]]]:
    """Have the model say what a function of context and continuation says; what was asked is kept."""

    def set_up(say: Say) -> list[tuple[str, str]]:
        asked: list[tuple[str, str]] = []

        def log_likelihoods(model: Any, requests: Sequence[Request]) -> list[float]:
            texts = [(bytes(each.context).decode(), bytes(each.continuation).decode()) for each in requests]
            asked.extend(texts)
            return [say(*each) for each in texts]

        monkeypatch.setattr(choice, "log_likelihoods", log_likelihoods)
        return asked

    return set_up


def solved(model: LanguageModel, templates: Sequence[Template] = (PLAIN,), options: tuple[str, ...] = ("no", "yes"), **config: Any) -> Solved:
    item = Item("f:1", {"question": "is it"}, options, (1,))
    told = ChoiceConfig.model_validate({"seed": 1, "templates": [each.model_dump() for each in templates], **config})
    (found,) = CHOICE.solve(model, [Put(item, [])], told, unwatched)
    return found


def test_options_are_asked_behind_the_prompt(model: LanguageModel, saying: Callable[[Say], list[tuple[str, str]]]):
    asked = saying(lambda context, behind: -float(len(behind)))
    row = solved(model).row
    assert asked == [("Q: is it A:", " no"), ("Q: is it A:", " yes")]
    assert (row["answer"], row["correct"], row["log_likelihoods"], row["expected"]) == ("no", False, [-3.0, -4.0], "yes")


def test_in_a_blank_the_option_is_asked_with_what_is_behind_it_or_that_alone(model: LanguageModel, saying: Callable[[Say], list[tuple[str, str]]]):
    asked = saying(lambda context, behind: -1.0)
    solved(model, [CLOZE])
    assert asked == [("is it", " no then."), ("is it", " yes then.")]
    asked.clear()
    solved(model, [CLOZE.model_copy(update={"scores": "behind"})])
    assert asked == [("is it no", " then."), ("is it yes", " then.")]


def test_the_words_of_a_verbalizer_add_their_probabilities(model: LanguageModel, saying: Callable[[Say], list[tuple[str, str]]]):
    saying(lambda context, behind: {" no": math.log(0.4), " yes": math.log(0.3), " true": math.log(0.3)}[behind])
    found = solved(model, [PLAIN.model_copy(update={"words": {"yes": ("yes", "true")}})])
    assert found.row["answer"] == "yes" and found.row["log_likelihoods"][1] == pytest.approx(math.log(0.6))


def test_pmi_takes_away_what_is_likely_behind_the_premise_alone(model: LanguageModel, saying: Callable[[Say], list[tuple[str, str]]]):
    likely = {("Q: is it A:", " no"): -1.0, ("Q: is it A:", " yes"): -2.0, ("A:", " no"): -0.5, ("A:", " yes"): -3.0}
    saying(lambda context, behind: likely[context, behind])
    assert solved(model).row["answer"] == "no"
    found = solved(model, calibration="pmi").row
    assert (found["answer"], found["log_likelihoods"]) == ("yes", [-0.5, 1.0])


def test_contextual_calibration_divides_by_the_mean_probability_without_content(model: LanguageModel, saying: Callable[[Say], list[tuple[str, str]]]):
    contents = {"N/A": 0.9, "": 0.7, "[MASK]": 0.8}

    def say(context: str, behind: str) -> float:
        content = context.removeprefix("Q:").removesuffix("A:").strip()
        no = 0.6 if content == "is it" else contents[content]
        return math.log(no if behind == " no" else 1 - no)

    saying(say)
    found = solved(model, calibration="contextual").row
    assert found["log_likelihoods"] == pytest.approx([math.log(0.6 / 0.8), math.log(0.4 / 0.2)]) and found["answer"] == "yes"


def test_contextual_calibration_of_options_that_differ_from_item_to_item_is_refused(
    model: LanguageModel, saying: Callable[[Say], list[tuple[str, str]]]
):
    saying(lambda context, behind: -1.0)
    config = ChoiceConfig.model_validate({"seed": 1, "templates": [PLAIN.model_dump()], "calibration": "contextual"})
    items = [Item(option, {"question": "q"}, (option, "x"), (0,)) for option in ("a", "b")]
    with pytest.raises(ValueError, match="take pmi"):
        CHOICE.solve(model, [Put(item, []) for item in items], config, unwatched)


def test_several_templates_answer_by_their_mean_or_by_a_vote(model: LanguageModel, saying: Callable[[Say], list[tuple[str, str]]]):
    others = [PLAIN.model_copy(update={"name": name, "prompt": name}) for name in ("one", "two", "three")]
    no = {"one": -1.0, "two": -1.0, "three": -9.0}
    saying(lambda context, behind: no[context] if behind == " no" else -2.0)
    assert solved(model, others).row["answer"] == "yes", "-11/3 against -2"
    found = solved(model, others, combine="vote")
    assert found.row["answer"] == "no" and found.answer.names == ("one", "two", "three")
    assert found.row["log_likelihoods_by_prompt"] == [[-1.0, -2.0], [-1.0, -2.0], [-9.0, -2.0]]


def test_a_vote_that_is_even_goes_to_the_likelier(model: LanguageModel):
    even = Choice(((-1.0, -2.0), (-3.0, -2.5)), ("a", "b"), "vote", ("x", "y"))
    assert even.best() == 0 and even._replace(by_prompt=((-1.0, -1.1), (-3.0, -2.5))).best() == 1


def test_a_blank_in_a_chat_is_refused(model: LanguageModel):
    with pytest.raises(ValueError, match="has a blank, which no answer of a chat fills"):
        solved(model, [CLOZE], chat=True)


def test_a_chat_without_a_chat_template_is_refused(model: LanguageModel):
    with pytest.raises(ValueError, match="the tokenizer has no chat template"):
        solved(model, chat=True)


def test_probabilities_among_options_sum_to_one():
    told = Choice(((-1.0, -2.0, -3.0),), ("a", "b", "c"), "mean", ("x",))
    assert sum(told.probabilities()) == pytest.approx(1)
    assert sum(map(math.exp, normalised([-4.0, -5.0]))) == pytest.approx(1)


def test_an_option_without_a_letter_is_never_the_likeliest_by_length():
    assert Choice(((-1.0, -50.0),), ("", "long"), "mean", ("x",)).best([0, 4]) == 1


def test_by_a_real_model_the_row_tells_the_likelihoods_it_gave(model: LanguageModel):
    from kernels.inference.likelihoods.likelihood import log_likelihoods

    found = solved(model).row
    told = log_likelihoods(model, [Request(tuple(b"Q: is it A:"), tuple(each)) for each in (b" no", b" yes")])
    assert found["log_likelihoods"] == told and found["num_tokens_cut"] == 0


def test_the_model_reasons_and_is_asked_behind_what_it_wrote(
    model: LanguageModel, saying: Callable[[Say], list[tuple[str, str]]], monkeypatch: pytest.MonkeyPatch
):
    from kernels.evals.solvers import reasoning

    monkeypatch.setattr(
        reasoning, "written", lambda model, prompts, how: [[f"because {number}." for number in range(how.num_answers)] for _ in prompts]
    )
    asked = saying(lambda context, behind: -1.0 if ("0" in context) == (behind == " no") else -2.0)
    found = solved(model, combine="vote", reasoning={"max_new_tokens": 4, "num_samples": 3, "trigger": " Think:", "conclusion": " So:"})
    assert ("Q: is it A: Think:because 1. So:", " yes") in asked and len(asked) == 6
    assert found.row["answer"] == "yes" and len(found.row["reasoning"]) == 3
