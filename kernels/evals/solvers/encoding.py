"""A prompt and what may follow it as the tokens that a model is asked, cut between them as lm-evaluation-harness cuts."""

from typing import TYPE_CHECKING

from kernels.inference.likelihoods.requests import Request
from kernels.models.formats.chats import beginning, chat_encoder, text_encoder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kernels.evals.prompting.prompts import Prompt
    from kernels.inference.asked_models import AskedModel


def encode(model: "AskedModel", prompt: str, behind: str) -> Request:
    """Return a prompt and what is behind it as token ids, encoded together and split behind the prompt's own number of tokens.

    White space at the end of the prompt goes to what is behind it first. What the tokenizer puts before a text stands before the prompt, and a
    closing token does not stand behind; where nothing stands before what is asked, what documents are learned behind does. Where all of it is
    swallowed by the prompt's last token, that token is asked.
    """
    encoder = text_encoder(model.tokenizer)
    given, whole = encoder.contents([prompt.rstrip(), prompt + behind])
    split = min(len(given), len(whole) - 1)
    context = (*encoder.before_a_text(), *whole[:split])
    return Request(context or tuple(beginning(model.tokenizer)), tuple(whole[split:]))


def encode_in_chat(model: "AskedModel", prompt: "Prompt", begun: str, behind: str) -> Request:
    """Return the turns of a prompt, and an answer that has begun and goes on, as token ids.

    Raises:
        ValueError: the tokenizer has no chat template.
    """
    turns = _chat_tokens(model, prompt)
    if not begun:
        return Request(tuple(turns), tuple(text_encoder(model.tokenizer).content(behind)))
    request = encode(model, begun, behind)
    before = text_encoder(model.tokenizer).before_a_text()
    return request._replace(context=(*turns, *request.context[len(before) :]))


def prompt_tokens(model: "AskedModel", prompt: "Prompt") -> "Sequence[int]":
    """Return a prompt that an answer is written behind as token ids. Raises ValueError: it is a chat's, and the tokenizer has no chat template."""
    if not prompt.turns:
        encoder = text_encoder(model.tokenizer)
        return (*encoder.before_a_text(), *encoder.content(prompt.text)) or beginning(model.tokenizer)
    return _chat_tokens(model, prompt)


def _chat_tokens(model: "AskedModel", prompt: "Prompt") -> "Sequence[int]":
    """Return the turns of a prompt as token ids. Raises ValueError: the tokenizer has no chat template."""
    if not model.tokenizer.chat_template:
        raise ValueError("chat: the tokenizer has no chat template; ask a model that was taught one, or leave the key out")
    return chat_encoder(model.tokenizer).prompt(prompt.turns)
