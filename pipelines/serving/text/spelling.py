"""How tokens are spelled, one by one, and what the model thought of them, in OpenAI's newer form."""

import json
from collections.abc import Iterable
from typing import Any

from kernels.inference.asking import Told


class Spelling:
    """Of the tokens of one tokenizer, of Transformers' fast form."""

    def __init__(self, tokenizer: Any) -> None:
        """Read the tokenizer, which must not change any more."""
        self._tokenizer = tokenizer
        settings: dict[str, Any] = json.loads(tokenizer.backend_tokenizer.to_str())
        self._added: dict[int, str] = {token["id"]: token["content"] for token in settings.get("added_tokens", [])}
        self._bytes = _bytes_of_characters() if "ByteLevel" in _kinds(settings.get("decoder")) else None

    def bytes_of(self, token: int) -> bytes:
        """Return the bytes that a token stands for behind others, which need not be whole characters."""
        if token in self._added:
            return self._added[token].encode()
        word: str | None = self._tokenizer.convert_ids_to_tokens(token)
        if word is None:  # an id that the model has and the tokenizer has not
            return b""
        if self._bytes is not None and self._bytes.keys() >= set(word):
            return bytes(self._bytes[character] for character in word)
        if len(word) == 6 and word.startswith("<0x"):  # SentencePiece's word for a byte
            return bytes([int(word[3:5], 16)])
        once, twice = (self._tokenizer.decode([token] * count) for count in (1, 2))
        return twice[len(once) :].encode()  # some decoders take the blank from a text's first word

    def text(self, token: int) -> str:
        """Return a token as text; what is no whole character is a mark."""
        return self.bytes_of(token).decode("utf-8", "replace")

    def told(self, tokens: Iterable[Told]) -> list[dict[str, Any]]:
        """Return tokens with what the model thought of them."""
        return [
            {
                **self._entry(told.token, told.logprob or 0.0),
                "top_logprobs": [self._entry(token, logprob) for token, logprob in told.likeliest],
            }
            for told in tokens
        ]

    def _entry(self, token: int, logprob: float) -> dict[str, Any]:
        found = self.bytes_of(token)
        return {"token": found.decode("utf-8", "replace"), "logprob": max(logprob, LEAST_LOGPROB), "bytes": list(found)}


LEAST_LOGPROB = -9999.0
"""Stands for that of what cannot be, which JSON has no number for (OpenAI's own convention)."""


def _kinds(decoder: Any) -> set[str]:
    """Return the kinds of a decoder and of those that it is made of."""
    return set() if decoder is None else {decoder["type"]}.union(*(_kinds(each) for each in decoder.get("decoders", [])))


def _bytes_of_characters() -> dict[str, int]:
    """Return the bytes that GPT-2's alphabet writes by characters: those that print as themselves, the others from U+0100 on, in order."""
    prints = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in prints]
    return {chr(byte): byte for byte in prints} | {chr(0x100 + number): byte for number, byte in enumerate(others)}
