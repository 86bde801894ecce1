"""How a checkpoint's own tokenizer and chat template make tokens of texts and conversations. All that is asked of a model passes through here."""

from functools import lru_cache
from typing import Any

from kernels.tokens.chats import ChatEncoder, Render, encoder_of, template
from kernels.tokens.content import TextEncoder
from kernels.tokens.image_chats import ImageChatEncoder, image_chat_encoder


@lru_cache(maxsize=4)
def text_encoder(tokenizer: Any) -> TextEncoder:
    """Return what encodes texts by a Transformers tokenizer of fast form. The tokenizer must not change any more."""
    return TextEncoder(tokenizer.backend_tokenizer.to_str())


def beginning(tokenizer: Any) -> list[int]:
    """Return the tokens behind which the first token of a text is asked: what a Transformers tokenizer of fast form puts before each text.

    Where it puts nothing there, its beginning of sequence, or else its end, which stands between texts in pretraining.

    Raises:
        ValueError: it has neither.
    """
    before = text_encoder(tokenizer).before_a_text()
    start = tokenizer.eos_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id
    if not before and start is None:
        raise ValueError("the tokenizer has neither a beginning nor an end of sequence; a text's first token needs one before it")
    return before or [start]


@lru_cache(maxsize=4)
def chat_encoder(tokenizer: Any) -> ChatEncoder:
    """Return what encodes conversations by a Transformers tokenizer of fast form with a chat template."""
    return encoder_of(tokenizer.backend_tokenizer.to_str(), _render_of(tokenizer))


@lru_cache(maxsize=4)
def image_chats(tokenizer: Any, num_patches: int) -> ImageChatEncoder:
    """Return what encodes conversations about images by a Transformers tokenizer of fast form with a chat template and an image token."""
    return image_chat_encoder(tokenizer.backend_tokenizer.to_str(), _render_of(tokenizer), num_patches)


def _render_of(tokenizer: Any) -> Render:
    """Return a tokenizer's chat template, read as those of tokenizers' folders are, and not by Transformers, to which it is another day each day."""
    names: dict[str, str] = tokenizer.special_tokens_map

    @lru_cache(maxsize=2)
    def read(source: str) -> Render:
        return template(source, names)

    def render(messages: list[dict[str, Any]], tools: list[Any] | None, asks: bool) -> str:
        return read(tokenizer.get_chat_template(tools=tools))(messages, tools, asks)

    return render
