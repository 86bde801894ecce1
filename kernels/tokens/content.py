"""Text as tokens. What people wrote is content, and content never becomes a control token, though it spell one.

A page about tokenizers says ``<|endoftext|>``; were that made into the token, a model would learn to stop in the middle of a text, and whoever
can write a text could forge a turn. Control tokens are those that a tokenizer calls special, and the marks of turns, which some do not.
"""

import json
import re
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Any

END_OF_TEXT = "<|endoftext|>"
TURN_START = "<|im_start|>"
TURN_END = "<|im_end|>"
PADDING = "<|pad|>"
MASK = "<|mask|>"
FIM_PREFIX, FIM_SUFFIX, FIM_MIDDLE = "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"
GUARD = "\x7f"
"""Stands, in a rendered text, before whatever spells a control token and is content, and before itself where content holds it. No template takes
DEL for white space."""


class TextEncoder:
    """Encodes texts by one tokenizer, given as the JSON of its ``tokenizer.json``. Nothing is added, cut or padded."""

    def __init__(self, tokenizer_json: str, marks: Collection[str] = ()) -> None:
        """Read the tokenizer, twice: once with eyes for control tokens and once without. ``marks`` are control tokens whatever it calls them."""
        settings: dict[str, Any] = json.loads(tokenizer_json)
        for token in settings.get("added_tokens", []):
            token["special"] = token["special"] or token["content"] in (TURN_START, TURN_END, *marks)
        self._with_control, self._plain = (_tokenizer(settings) for _ in range(2))
        self._plain.encode_special_tokens = True
        special = [token["content"] for token in settings.get("added_tokens", []) if token["special"]]
        self.control: dict[str, int] = {token: self._plain.token_to_id(token) for token in special}
        """Ids of control tokens by what spells them."""
        alternatives = "|".join(re.escape(token) for token in sorted(self.control, key=len, reverse=True)) or r"(?!)"
        self._spelled = re.compile(f"(?={alternatives}|{GUARD})")
        self._marks = re.compile(f"({GUARD}?)({alternatives}|{GUARD})")
        self._lost = re.compile(rf"\\(?:u007f|x7f)(?:{alternatives})")
        self.vocabulary_size: int = self._plain.get_vocab_size()
        unknown = getattr(self._plain.model, "unk_token", None)
        self._forbidden = {index for token, index in self.control.items() if token != unknown}
        self.joins_freely: bool = self.content("\na")[-len(self.content("a")) :] == self.content("a")
        """Whether a text begins with the same tokens wherever it stands: not where a tokenizer puts a blank before it."""

    def content(self, text: str) -> list[int]:
        """Return the ids of a text as content."""
        return self.contents([text])[0]

    def contents(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of texts as content.

        Raises:
            ValueError: the tokenizer makes a control token of a text in whatever way it is cut.
        """
        found = [encoding.ids for encoding in self._plain.encode_batch_fast(list(texts), add_special_tokens=False)]
        return [ids if self._forbidden.isdisjoint(ids) else self._taken_apart(text) for ids, text in zip(found, texts, strict=True)]

    def _taken_apart(self, text: str) -> list[int]:
        """Return the ids of a text whose spelled control tokens the vocabulary itself holds as words: each is cut behind its first character."""
        places = sorted({0, len(text), *(match.start() + 1 for match in self._spelled.finditer(text))})
        parts = [text[start:end] for start, end in pairwise(places)]
        ids = [token for encoding in self._plain.encode_batch_fast(parts, add_special_tokens=False) for token in encoding.ids]
        if not self._forbidden.isdisjoint(ids):
            raise ValueError(f"the tokenizer makes a control token of the text {text[:100]!r}; take another tokenizer, or leave the text out")
        return ids

    def before_a_text(self) -> list[int]:
        """Return the control tokens that the tokenizer puts before every text, such as the beginning of text."""
        ids: list[int] = self._plain.encode("a").ids
        return ids[: next((place for place, token in enumerate(ids) if token not in self._forbidden), 0)]

    def guarded(self, text: str) -> str:
        """Return a text that is to become part of a rendered one, a guard before each control token that it spells."""
        return self._spelled.sub(GUARD, text)

    def loses_guards(self, text: str) -> bool:
        """Return whether a template wrote a guard as an escape, as JSON in ASCII does, so that it guards no more."""
        return self._lost.search(text) is not None

    def rendered(self, text: str) -> list[int]:
        """Return the ids of a text that a template made of guarded contents: the template's own control tokens become those tokens."""
        controls = [match for match in self._marks.finditer(text) if not match[1] and match[2] != GUARD]
        if GUARD not in text:
            ids: list[int] = self._with_control.encode(text, add_special_tokens=False).ids
            if sum(token in self._forbidden for token in ids) == len(controls):
                return ids
        ids = []
        done = 0
        for match in controls:
            ids += [*self._written(text[done : match.start()]), self.control[match[2]]]
            done = match.end()
        return ids + self._written(text[done:])

    def _written(self, text: str) -> list[int]:
        return self.content(re.sub(f"{GUARD}({GUARD})?", r"\1", text)) if text else []


def _tokenizer(settings: dict[str, Any]) -> Any:
    from tokenizers import Tokenizer

    tokenizer: Any = Tokenizer.from_str(json.dumps(settings))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
