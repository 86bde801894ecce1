"""How many bytes of text each token stands for, by which losses a token become bits a byte."""

import json
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BYTE = re.compile(r"<0x[0-9A-Fa-f]{2}>")


def token_bytes(tokenizer_json: str) -> NDArray[np.int64]:
    """Return the bytes of each id of a tokenizer's JSON, [V]; 0 for control tokens.

    Of a vocabulary on bytes each character of a token is a byte; in others a character counts as its UTF-8 form, and the sign for a blank as one, as
    does the mark of a word's end. Tokens that were added and are no words of the vocabulary itself are spelled as text in all.
    """
    from tokenizers import Tokenizer

    settings: dict[str, Any] = json.loads(tokenizer_json)
    model: dict[str, Any] = settings["model"]
    added: dict[int, bool] = {token["id"]: token["special"] for token in settings.get("added_tokens", [])}
    on_bytes = "ByteLevel" in json.dumps([settings.get("decoder"), settings.get("pre_tokenizer")])
    prefix, suffix = model.get("continuing_subword_prefix") or "", model.get("end_of_word_suffix") or ""
    vocabulary: dict[str, int] = Tokenizer.from_str(tokenizer_json).get_vocab()
    own = {token if isinstance(token, str) else token[0] for token in model["vocab"]}
    found = np.zeros(max(vocabulary.values(), default=-1) + 1, np.int64)
    for token, index in vocabulary.items():
        if added.get(index) or (index in added and token not in own):
            found[index] = 0 if added[index] else len(token.encode())
            continue
        word = token.removesuffix(suffix) + " " if suffix and token.endswith(suffix) else token
        found[index] = _bytes_of(word.removeprefix(prefix), on_bytes=on_bytes)
    return found


def _bytes_of(token: str, *, on_bytes: bool) -> int:
    if on_bytes:
        return len(token)
    if _BYTE.fullmatch(token):
        return 1
    return len(token.replace("\u2581", " ").encode())
