from typing import Any, NamedTuple

import pytest
from pydantic import ValidationError

from kernels.evals.tasks.documents.samples import SamplesConfig, run
from kernels.inference.decoding import beginnings
from tests.byte_tokenizers import byte_tokenizer


class Chat:
    """One token a byte."""

    def __init__(self, chat_template: str | None) -> None:
        self.chat_template = chat_template
        self.backend_tokenizer = byte_tokenizer()
        self.special_tokens_map: dict[str, str] = {}

    def get_chat_template(self, tools: None) -> str | None:
        return self.chat_template


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
    scores, items, _ = run(Model(Chat("<user>{{ messages[0].content }}<assistant>")), None, config(prompts=["Once"], questions=["Why?"]))  # pyright: ignore[reportArgumentType]
    assert scores == []
    assert items.columns == ["item", "kind", "prompt", "answer"]
    assert items.rows() == [
        ("prompt:0", "prompt", "Once", "Once|5|7|0.5"),
        ("question:1", "question", "Why?", "<user>Why?<assistant>|5|7|0.5"),
    ]


def test_a_prompt_is_continued_behind_what_its_tokenizer_puts_before_texts():
    from tokenizers.processors import TemplateProcessing

    chat = Chat(None)
    chat.backend_tokenizer.add_special_tokens(["<s>"])
    begin = chat.backend_tokenizer.token_to_id("<s>")
    chat.backend_tokenizer.post_processor = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", begin)])
    assert beginnings(chat, ["Once", ""]) == [[begin, *b"Once"], [begin]]


@pytest.mark.usefixtures("echo")
def test_a_question_to_a_model_without_chat_template_is_refused():
    with pytest.raises(ValueError, match="this tokenizer has none"):
        run(Model(Chat(None)), None, config(questions=["Why?"]))  # pyright: ignore[reportArgumentType]


def test_a_config_that_asks_nothing_is_refused():
    with pytest.raises(ValidationError, match="neither prompts nor questions"):
        config()
