"""Conversations about images as tokens: where a turn holds `PLACE`, as many image tokens stand as an image has patches.

The text of the data writes no image token: a literal ``<image>`` in it is guarded, as all control tokens are (content.py).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from kernels.reading.images.conversations import MARK, PLACE
from kernels.specs.turns import Turn
from kernels.tokens.chats import ChatEncoder, Learned, Render, encoder_of

IMAGE_TOKEN = MARK
"""What spells the image token in vocabularies, as LLaVA's does."""
_SAID = (
    "{% macro said(content) %}{% if content is string %}{{ content }}{% else %}{% for part in content or [] %}"
    f"{{{{ '{IMAGE_TOKEN}' if part['type'] == 'image' else part['text'] }}}}"
    "{% endfor %}{% endif %}{% endmacro %}"
)


def image_template(source: str) -> str:
    """Return a chat template of ours in which a turn may be parts of text and images, as Transformers' processors take them."""
    return _SAID + source.replace("(message['content'] or '')", "said(message['content'])")


class ImageChatEncoder(NamedTuple):
    """Encodes conversations about an image by one tokenizer and chat template."""

    chats: ChatEncoder
    image_token: int
    num_patches: int

    def answered(self, turns: Sequence[Turn]) -> Learned | None:
        """Return the ids of a conversation and which of them are its last answer; None where there is none. Raises UnrenderedError."""
        learned = self.chats.answered(turns)
        if learned is None:
            return None
        ids, mask = list[int](), list[int]()
        for token, is_learned in zip(*learned, strict=True):
            count = self.num_patches if token == self.image_token else 1
            ids, mask = [*ids, *[token] * count], [*mask, *[is_learned] * count]
        return Learned(ids, mask)


def image_chat_encoder(tokenizer_json: str, render: Render, num_patches: int) -> ImageChatEncoder:
    """Return what encodes conversations about images by a tokenizer's JSON, which has an image token, and a template."""

    def with_places(messages: list[dict[str, Any]], tools: list[Any] | None, asks: bool) -> str:
        return render(messages, tools, asks).replace(PLACE, IMAGE_TOKEN)

    chats = encoder_of(tokenizer_json, with_places, (IMAGE_TOKEN,))
    return ImageChatEncoder(chats, chats.text.control[IMAGE_TOKEN], num_patches)
