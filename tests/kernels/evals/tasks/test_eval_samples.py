from typing import Any, NamedTuple

import pytest
from pydantic import ValidationError

from kernels.evals.tasks.samples import SamplesConfig, run
from tests.byte_tokenizers import byte_tokenizer


class Chat:
    """One token a byte."""

    def __init__(self, chat_template: str | None) -> None:
        self.chat_template = chat_template
        self.backend_tokenizer = byte_tokenizer()

    def apply_chat_template(self, turns: list[dict[str, str]], tools: None, tokenize: bool, add_generation_prompt: bool) -> str:
        return f"<user>{turns[0]['content']}<assistant>"


class Model(NamedTuple):
    tokenizer: Chat


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> None:
    from kernels.inference import decoding

    def answer(model: Any, prompts: list[list[int]], max_new_tokens: int, seed: int, temperature: float) -> list[str]:
        return [f"{bytes(prompt).decode()}|{max_new_tokens}|{seed}|{temperature}" for prompt in prompts]

    monkeypatch.setattr(decoding, "answer", answer)


def config(**fields: Any) -> SamplesConfig:
    return SamplesConfig.model_validate({"max_new_tokens": 5, "temperature": 0.5, "seed": 7, **fields})


@pytest.mark.usefixtures("echo")
def test_prompts_are_continued_as_they_stand_and_questions_through_the_template():
    scores, items = run(Model(Chat("t")), None, config(prompts=["Once"], questions=["Why?"]))  # pyright: ignore[reportArgumentType]
    assert scores == []
    assert items.columns == ["item", "kind", "prompt", "answer"]
    assert items.rows() == [
        ("prompt:0", "prompt", "Once", "Once|5|7|0.5"),
        ("question:1", "question", "Why?", "<user>Why?<assistant>|5|7|0.5"),
    ]


@pytest.mark.usefixtures("echo")
def test_a_question_to_a_model_without_chat_template_is_refused():
    with pytest.raises(ValueError, match="this tokenizer has none"):
        run(Model(Chat(None)), None, config(questions=["Why?"]))  # pyright: ignore[reportArgumentType]


def test_a_config_that_asks_nothing_is_refused():
    with pytest.raises(ValidationError, match="neither prompts nor questions"):
        config()
