"""What is held out of conversations, and how a training on them is laid out."""

from collections import Counter

import numpy as np
import pytest

from kernels.tokens.chats import Learned
from kernels.training.feeding.conversations import Text, text_of
from kernels.training.tuning.runs import split


def conversations(prompts: range, answers: int = 2) -> list[Text]:
    return [text_of(Learned([prompt, prompt + 1, 9, answer], [0, 0, 0, 1])) for prompt in prompts for answer in range(answers)]


def sides(texts: list[Text], fraction: float) -> tuple[set[bytes], set[bytes]]:
    found = split(texts, lambda text: text, fraction)
    return {text.prompt for text in found.train}, {text.prompt for text in found.validation}


def test_all_answers_to_a_prompt_are_on_one_side() -> None:
    texts = conversations(range(200), 3)
    found = split(texts, lambda text: text, 0.2)
    assert not sides(texts, 0.2)[0] & sides(texts, 0.2)[1]
    assert set(Counter(text.prompt for text in found.validation).values()) == {3}
    assert len(found.train) + len(found.validation) == 600 and 60 <= len(found.validation) <= 180


def test_what_is_held_out_stays_so_when_others_come() -> None:
    few, more = sides(conversations(range(200)), 0.2), sides(conversations(range(400)), 0.2)
    assert few[1] == {prompt for prompt in more[1] if np.frombuffer(prompt, np.int32)[0] < 200}


@pytest.mark.parametrize(("count", "fraction"), [(20, 0.1), (200, 0.0)], ids=["few", "none asked for"])
def test_nothing_is_held_out_where_that_would_be_too_little_to_tell(count: int, fraction: float) -> None:
    texts = conversations(range(count), 1)
    assert split(texts, lambda text: text, fraction) == (texts, [])
