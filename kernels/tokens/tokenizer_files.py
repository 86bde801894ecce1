"""A tokenizer's folder in Transformers form, and how well a tokenizer fits a text."""

import json
from collections.abc import Sequence
from pathlib import Path

from kernels.tokens.content import END_OF_TEXT, PADDING, TURN_END, TURN_START, TextEncoder

SPECIAL_TOKENS = (END_OF_TEXT, TURN_START, TURN_END, PADDING)
"""The first ids of every vocabulary made here, in this order."""

CHAT_TEMPLATE = (
    "{% if tools %}{{ '<|im_start|>tools\\n' + tools | tojson + '<|im_end|>\\n' }}{% endif %}"
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + (message['content'] or '') }}"
    "{% for call in message['tool_calls'] or [] %}"
    "{{ ('\\n' if message['content'] or not loop.first else '') + '<tool_call>\\n' + call['function'] | tojson + '\\n</tool_call>' }}"
    "{% endfor %}{{ '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
"""ChatML, as SmolLM2 has it; tools are defined in a turn of their own before all others, and called as JSON between marks that are plain text."""


def write_tokenizer(json_text: str, folder: Path) -> None:
    """Write ``tokenizer.json`` and what Transformers needs beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(json_text, encoding="utf-8")
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": END_OF_TEXT,
        "pad_token": PADDING,
        "additional_special_tokens": [TURN_START, TURN_END],
        "clean_up_tokenization_spaces": False,
        "model_max_length": 1_000_000,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=1), encoding="utf-8")
    (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE, encoding="utf-8")


def padding_id(json_text: str) -> int:
    """Return the id of the padding token. Raises ValueError where the tokenizer has none."""
    from tokenizers import Tokenizer

    found = Tokenizer.from_str(json_text).token_to_id(PADDING)
    if found is None:
        raise ValueError(f"the tokenizer has no {PADDING} token; train it with modelmill, or add the token")
    return found


def fertility(json_text: str, texts: Sequence[str]) -> dict[str, float]:
    """Return tokens a word (words parted by white space) and bytes a token over some texts.

    Raises:
        ValueError: the texts hold no token.
    """
    num_tokens = sum(map(len, TextEncoder(json_text).contents(texts)))
    if not num_tokens:
        raise ValueError("fertility: the texts are empty; give some that are not")
    num_words = sum(len(text.split()) for text in texts)
    num_bytes = sum(len(text.encode()) for text in texts)
    return {"tokens_per_word": num_tokens / max(1, num_words), "bytes_per_token": num_bytes / num_tokens}
