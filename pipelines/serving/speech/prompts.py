"""Texts that are to go on, as texts or as tokens, and what the model thinks of them."""

import functools
from collections.abc import Sequence
from typing import Annotated, NamedTuple, cast

from pydantic import Field

from pipelines.serving.models.served import Served
from pipelines.serving.wire.faults import Refused

MOST_PROMPTS = 128
TokenId = Annotated[int, Field(ge=0)]


class Prompt(NamedTuple):
    """A text that is to go on."""

    text: str
    tokens: list[int]
    num_before: int
    """How many tokens the tokenizer puts before it."""


async def prompts_of(served: Served, given: str | Sequence[str] | Sequence[int] | Sequence[Sequence[int]]) -> list[Prompt]:
    """Return prompts in any of OpenAI's forms: a text, texts, tokens, or lists of them.

    Raises:
        Refused: there are too many, or a token is none of the model's.
    """
    if isinstance(given, str):
        each: Sequence[str | Sequence[int]] = [given]
    elif given and isinstance(given[0], int):
        each = [cast(Sequence[int], given)]
    else:
        each = cast(Sequence[str | Sequence[int]], given)
    if len(each) > MOST_PROMPTS:
        raise Refused(400, f"prompt: {len(each)} prompts are more than {MOST_PROMPTS}; ask in several requests", param="prompt")
    return [await served.aside(functools.partial(_prompt, served, prompt)) for prompt in each]


def _prompt(served: Served, prompt: str | Sequence[int]) -> Prompt:
    if isinstance(prompt, str):
        tokens = served.text_prompt(prompt) if served.engine is not None else served.whole_text(prompt)
        return Prompt(prompt, tokens, len(tokens) - served.num_tokens(prompt))
    if not prompt:
        raise Refused(400, "prompt: has no token; give each at least one", param="prompt")
    require_tokens(served, prompt, "prompt")
    return Prompt(served.lm.tokenizer.decode(list(prompt)), list(prompt), 0)


def require_tokens(served: Served, tokens: Sequence[int], param: str) -> None:
    """Raise Refused where a token is none of the model's."""
    count = served.lm.model.config.get_text_config().vocab_size
    wrong = next((token for token in tokens if not 0 <= token < count), None)
    if wrong is not None:
        raise Refused(400, f"{param}: {wrong} is no token of {served.name}, which has {count}", param=param)
