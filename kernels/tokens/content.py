"""Text as tokens. What people wrote is content, and content never becomes a control token, though it spell one.

A page about tokenizers says ``<|endoftext|>``; were that made into the token, a model would learn to stop in the middle of a text, and whoever
can write a text could forge a turn. Control tokens are those that a tokenizer calls special, and the marks of turns, which some do not.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kernels.tokens.pieces.encoding import Flat, PieceEncoder, Texts, batches, texts_of
from kernels.tokens.pieces.recognition import bytes_of_tokens, cuts_of

END_OF_TEXT = "<|endoftext|>"
TURN_START = "<|im_start|>"
TURN_END = "<|im_end|>"
PADDING = "<|pad|>"
MASK = "<|mask|>"
FIM_PREFIX, FIM_SUFFIX, FIM_MIDDLE = "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"
GUARD = "\x7f"
"""Stands, in a rendered text, before whatever spells a control token and is content, and before itself where content holds it. No template takes
DEL for white space."""
BATCH_TEXTS = 1000
"""Texts whose tokens are Python numbers at one time."""
FEW_BYTES = 1 << 19
"""Texts of fewer bytes in all are left to the library, which has done them before the compiled loops are loaded (half a second)."""


class TextEncoder:
    """Encodes texts by one tokenizer, given as the JSON of its ``tokenizer.json``. Nothing is added, cut or padded.

    Where the tokenizer is known to cut texts at certain places (pieces/), each piece is encoded once for many texts; the tokens are the same.
    """

    def __init__(self, tokenizer_json: str, marks: Collection[str] = ()) -> None:
        """Read the tokenizer. ``marks`` are control tokens whatever it calls them."""
        settings = settings_of(tokenizer_json)
        added: list[dict[str, Any]] = [dict(token) for token in settings.get("added_tokens", [])]
        for token in added:
            token["special"] = token["special"] or token["content"] in (TURN_START, TURN_END, *marks)
        self._json = tokenizer_json if added == settings.get("added_tokens", []) else json.dumps({**settings, "added_tokens": added})
        self._plain = tokenizer_of(self._json)
        self._plain.encode_special_tokens = True
        special = [token["content"] for token in added if token["special"]]
        self.control: dict[str, int] = {token: self._plain.token_to_id(token) for token in special}
        """Ids of control tokens by what spells them."""
        alternatives = "|".join(re.escape(token) for token in sorted(self.control, key=len, reverse=True)) or r"(?!)"
        self._spelled = re.compile(f"(?={alternatives}|{GUARD})")
        self._marks = re.compile(f"({GUARD}?)({alternatives}|{GUARD})")
        self._lost = re.compile(rf"\\(?:u007f|x7f)(?:{alternatives})")
        vocabulary: dict[str, int] = self._plain.get_vocab()
        self.vocabulary_size: int = max(vocabulary.values(), default=-1) + 1
        """Behind the largest id: a vocabulary that others cut down may have gaps, and ids beyond the number of its tokens."""
        unknown = _unknown_of(settings["model"])
        self._unknown: int | None = None if unknown is None else self._plain.token_to_id(unknown)
        self._forbidden = {index for token, index in self.control.items() if token != unknown}
        self._pieces = self._piece_encoder(settings, vocabulary)
        self.joins_freely: bool = self.content("\na")[-len(self.content("a")) :] == self.content("a")
        """Whether a text begins with the same tokens wherever it stands: not where a tokenizer puts a blank before it."""
        self._is_forbidden = np.zeros(max([self.vocabulary_size, *(index + 1 for index in self.control.values())]), np.bool_)
        self._is_forbidden[list(self._forbidden)] = True
        self._controls_take_nothing = not any(token.get(flag) for token in added for flag in ("lstrip", "rstrip", "single_word"))

    @cached_property
    def _with_control(self) -> Any:
        """The tokenizer with eyes for control tokens."""
        return tokenizer_of(self._json)

    def _piece_encoder(self, settings: dict[str, Any], vocabulary: dict[str, int]) -> PieceEncoder | None:
        """Return what encodes texts piece by piece, None where the tokenizer is not known to cut as it must for that."""
        from tokenizers import pre_tokenizers

        cuts = cuts_of(settings, self.control)
        if cuts is None:
            return None
        prefix = settings["model"].get("continuing_subword_prefix") or ""
        return PieceEncoder(self._plain, cuts, bytes_of_tokens(vocabulary, prefix, pre_tokenizers.ByteLevel.alphabet()))

    def content(self, text: str) -> list[int]:
        """Return the ids of a text as content."""
        return self.contents([text])[0]

    def contents(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of texts as content.

        Raises:
            ValueError: the tokenizer makes a control token of a text in whatever way it is cut.
        """
        if self._pieces is not None and sum(map(len, texts)) > FEW_BYTES:
            flat = self.flat(pa.array(texts, pa.large_string()))
            ids = flat.ids.tolist()
            return [ids[start:end] for start, end in pairwise(flat.offsets.tolist())]
        return self._by_library(texts)

    def _by_library(self, texts: Sequence[str]) -> list[list[int]]:
        found = [encoding.ids for encoding in self._plain.encode_batch_fast(list(texts), add_special_tokens=False)]
        return [ids if self._forbidden.isdisjoint(ids) else self._taken_apart(text) for ids, text in zip(found, texts, strict=True)]

    def num_unknown_bytes(self, text: str, ids: Sequence[int]) -> int:
        """Return how many bytes of a text, whose ids are given, its tokens say nothing of but that they are unknown (UTF-8)."""
        if self._unknown is None or self._unknown not in ids:
            return 0
        encoding = self._plain.encode(text, add_special_tokens=False)
        places = zip(encoding.ids, encoding.offsets, strict=True)
        return sum(len(text[start:end].encode()) for token, (start, end) in places if token == self._unknown)

    def flat(self, texts: "pa.ChunkedArray[Any] | pa.Array[Any]", before: Sequence[int] = (), behind: Sequence[int] = ()) -> Flat:
        """Return the ids of a column of texts as content, end to end, each text with some control tokens before and behind it.

        Raises:
            ValueError: the tokenizer makes a control token of a text in whatever way it is cut.
        """
        whole = texts_of(texts)
        ends = np.array(before, np.uint32), np.array(behind, np.uint32)
        parts = [self._flat(Texts(whole.data, whole.offsets[start : end + 1]), *ends) for start, end in batches(whole)]
        starts = np.cumsum([0, *(len(part.ids) for part in parts)])
        offsets = [part.offsets[:-1] + start for part, start in zip(parts, starts[:-1], strict=True)]
        return Flat(np.concatenate([np.zeros(0, np.uint32), *(part.ids for part in parts)]), np.concatenate([*offsets, starts[-1:]]))

    def _flat(self, texts: Texts, before: NDArray[np.uint32], behind: NDArray[np.uint32]) -> Flat:
        """Return the ids of texts that are encoded together."""
        found = None if self._pieces is None or len(texts.data) < FEW_BYTES else self._pieces.encode(texts, before, behind)
        if found is None:
            batched = (self._by_library(texts.strings(start, start + BATCH_TEXTS)) for start in range(0, len(texts), BATCH_TEXTS))
            return _put_together(batched, before, behind)
        allowed = np.count_nonzero(self._is_forbidden[before]) + np.count_nonzero(self._is_forbidden[behind])
        at = np.flatnonzero(self._is_forbidden[found.ids])
        if len(at) == allowed * len(texts):
            return found
        counts = np.bincount(np.searchsorted(found.offsets, at, side="right") - 1, minlength=len(texts))
        ids = [found.ids[start + len(before) : end - len(behind)] for start, end in pairwise(found.offsets.tolist())]
        for text in np.flatnonzero(counts != allowed).tolist():
            ids[text] = np.array(self._taken_apart(texts.strings(text, text + 1)[0]), np.uint32)
        return _put_together([ids], before, behind)

    def _taken_apart(self, text: str) -> list[int]:
        """Return the ids of a text whose spelled control tokens the vocabulary itself holds as words: each is cut behind its first character."""
        places = sorted({0, len(text), *(match.start() + 1 for match in self._spelled.finditer(text))})
        parts = [text[start:end] for start, end in pairwise(places)]
        ids = [token for encoding in self._plain.encode_batch_fast(parts, add_special_tokens=False) for token in encoding.ids]
        if not self._forbidden.isdisjoint(ids):
            raise ValueError(f"the tokenizer makes a control token of the text {text[:100]!r}; take another tokenizer, or leave the text out")
        return ids

    def decoded(self, ids: Sequence[Sequence[int]]) -> list[str]:
        """Return what texts come back from ids, control tokens among them as they are spelled."""
        texts: list[str] = self._plain.decode_batch([list(text) for text in ids], skip_special_tokens=False)
        return texts

    def before_a_text(self) -> list[int]:
        """Return the control tokens that the tokenizer puts before every text, such as the beginning of text."""
        return put_before_a_text(self._plain)

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

    def all_rendered(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of many rendered texts, as `rendered` does one by one."""
        if self._pieces is None or not self._controls_take_nothing:
            return [self.rendered(text) for text in texts]
        stretches = [list(self._stretches(text)) for text in texts]
        contents = list({stretch: None for found in stretches for stretch in found if isinstance(stretch, str)})
        ids = dict(zip(contents, self.contents(contents), strict=True))
        return [[token for stretch in found for token in (ids[stretch] if isinstance(stretch, str) else (stretch,))] for found in stretches]

    def _stretches(self, text: str) -> Iterator[str | int]:
        """Yield a rendered text as contents, guards taken out, and the ids of the control tokens between them."""
        done = 0
        for match in self._marks.finditer(text):
            if match[1] or match[2] == GUARD:
                continue
            if match.start() > done:
                yield _unguarded(text[done : match.start()])
            yield self.control[match[2]]
            done = match.end()
        if done < len(text):
            yield _unguarded(text[done:])

    def _written(self, text: str) -> list[int]:
        return self.content(_unguarded(text)) if text else []


def _unguarded(text: str) -> str:
    return re.sub(f"{GUARD}({GUARD})?", r"\1", text) if GUARD in text else text


def _put_together(texts: Iterable[Iterable[Sequence[int] | NDArray[np.uint32]]], before: NDArray[np.uint32], behind: NDArray[np.uint32]) -> Flat:
    """Return the ids of texts end to end, batch by batch turned into arrays."""
    parts: list[NDArray[np.uint32]] = []
    lengths: list[int] = []
    for batch in texts:
        found = [np.concatenate([before, np.asarray(ids, np.uint32), behind]) for ids in batch]
        lengths += map(len, found)
        parts.append(np.concatenate([np.zeros(0, np.uint32), *found]))
    return Flat(np.concatenate([np.zeros(0, np.uint32), *parts]), np.cumsum([0, *lengths]))


@lru_cache(maxsize=2)
def settings_of(tokenizer_json: str) -> dict[str, Any]:
    """Return what the text of a ``tokenizer.json`` says, parsed once for all that ask; nobody may change it."""
    settings: dict[str, Any] = json.loads(tokenizer_json)
    return settings


def _unknown_of(model: dict[str, Any]) -> str | None:
    """Return the token of what a vocabulary cannot spell, which unigram models name by its place among their pieces; None where there is none."""
    place = model.get("unk_id")
    return model.get("unk_token") if place is None else model["vocab"][place][0]


def put_before_a_text(tokenizer: Any) -> list[int]:
    """Return the ids that a tokenizer of the library puts before every text."""
    encoding = tokenizer.encode("a")
    return encoding.ids[: next((place for place, is_added in enumerate(encoding.special_tokens_mask) if not is_added), 0)]


def tokenizer_of(tokenizer_json: str) -> Any:
    """Return a tokenizer of the library that neither cuts nor pads texts."""
    from tokenizers import Tokenizer

    tokenizer: Any = Tokenizer.from_str(tokenizer_json)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
