"""How a checkpoint's own tokenizer and chat template make tokens of texts and conversations. All that is asked of a model passes through here."""

import json
import re
from functools import lru_cache
from typing import Any

from kernels.tokens.chats import ChatEncoder, Render, UnrenderedError
from kernels.tokens.content import TextEncoder


@lru_cache(maxsize=4)
def text_encoder(tokenizer: Any) -> TextEncoder:
    """Return what encodes texts by a Transformers tokenizer of fast form. The tokenizer must not change any more."""
    return TextEncoder(tokenizer.backend_tokenizer.to_str())


@lru_cache(maxsize=4)
def chat_encoder(tokenizer: Any) -> ChatEncoder:
    """Return what encodes conversations by a Transformers tokenizer of fast form with a chat template."""
    from jinja2 import TemplateError

    def render(messages: list[dict[str, Any]], tools: list[Any] | None, asks: bool) -> str:
        try:
            return tokenizer.apply_chat_template(messages, tools=tools, tokenize=False, add_generation_prompt=asks)
        except TemplateError as error:
            raise UnrenderedError(f"the chat template refuses a conversation: {error}") from error

    tokenizer_json = tokenizer.backend_tokenizer.to_str()
    return ChatEncoder(TextEncoder(tokenizer_json, _marks(tokenizer_json, render)), render)


def _marks(tokenizer_json: str, render: Render) -> list[str]:
    """Return the added tokens by which a template marks turns: those that it writes around a question and an answer of one letter."""
    added = [token["content"] for token in json.loads(tokenizer_json).get("added_tokens", [])]
    try:
        text = render([{"role": "user", "content": "x"}, {"role": "assistant", "content": "x"}], None, False)
    except UnrenderedError:  # asked of every conversation again, which is then told of
        text = ""
    return [token for token in added if token in text and re.search(r"[^\w\s]", token)]
