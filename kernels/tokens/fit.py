"""How well a tokenizer fits texts: how many tokens it takes for them, and whether they come back from their tokens as they were."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from kernels.tokens.content import TextEncoder

SHOWN_CHARS = 30
"""Of a text that comes back otherwise, on either side of the first character that differs."""
UNIDENTIFIED = "not identified"
FIT = pa.schema(
    [
        pa.field("by", pa.string(), nullable=False, metadata={"description": "source, or language"}),
        pa.field("name", pa.string(), nullable=False, metadata={"description": "which one"}),
        pa.field("num_texts", pa.int64(), nullable=False, metadata={"description": "texts measured"}),
        pa.field("num_bytes", pa.int64(), nullable=False, metadata={"description": "of their UTF-8"}),
        pa.field("num_words", pa.int64(), nullable=False, metadata={"description": "parted by white space"}),
        pa.field("num_tokens", pa.int64(), nullable=False, metadata={"description": "tokens of the texts"}),
        pa.field("tokens_per_byte", pa.float64(), metadata={"description": "none where there is no byte"}),
        pa.field("tokens_per_word", pa.float64(), metadata={"description": "none where there is no word"}),
        pa.field("num_changed", pa.int64(), nullable=False, metadata={"description": "texts that decoding their tokens does not give back"}),
        pa.field("round_trips", pa.float64(), metadata={"description": "share of texts that it gives back"}),
        pa.field("example", pa.string(), metadata={"description": "one that it does not: where it begins to differ"}),
        pa.field("example_decoded", pa.string(), metadata={"description": "what comes back in its place"}),
    ]
)


class Sample(NamedTuple):
    """A text to be measured."""

    text: str
    source: str
    language: str | None
    """None where it was not identified."""


class _Measured(NamedTuple):
    """What one text came to."""

    counts: Counter[str]
    difference: tuple[str, str] | None


def measure(encoder: TextEncoder, samples: Sequence[Sample]) -> pa.Table:
    """Return the fit by source and by language, in order of name (schema `FIT`)."""
    found = _measured(encoder, [sample.text for sample in samples])
    groups: dict[tuple[str, str], list[_Measured]] = {}
    for sample, measured in zip(samples, found, strict=True):
        groups.setdefault(("source", sample.source), []).append(measured)
        groups.setdefault(("language", sample.language or UNIDENTIFIED), []).append(measured)
    order = sorted(groups, key=lambda group: (group[0] != "source", group[1]))
    return pa.Table.from_pylist([{"by": by, "name": name, **_row(groups[by, name])} for by, name in order], schema=FIT)


def _measured(encoder: TextEncoder, texts: list[str]) -> list[_Measured]:
    flat = encoder.flat(pa.array(texts, pa.large_string()))
    lengths, ids = np.diff(flat.offsets).tolist(), flat.ids.tolist()
    decoded = encoder.decoded([ids[start : start + length] for start, length in zip(flat.offsets.tolist(), lengths, strict=False)])
    return [
        _Measured(
            Counter(num_texts=1, num_bytes=len(text.encode()), num_words=len(text.split()), num_tokens=length, num_changed=int(back != text)),
            _difference(text, back),
        )
        for text, back, length in zip(texts, decoded, lengths, strict=True)
    ]


def _difference(text: str, back: str) -> tuple[str, str] | None:
    """Return how a text and what comes back of it read where they begin to differ."""
    if text == back:
        return None
    pairs = enumerate(zip(text, back, strict=False))
    place = next((place for place, (one, other) in pairs if one != other), min(len(text), len(back)))
    around = slice(max(0, place - SHOWN_CHARS), place + SHOWN_CHARS)
    return text[around], back[around]


def _row(group: list[_Measured]) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    for measured in group:
        counts.update(measured.counts)
    example = next((measured.difference for measured in group if measured.difference), (None, None))
    numbers = {name: counts[name] for name in ("num_texts", "num_bytes", "num_words", "num_tokens", "num_changed")}
    return {
        **numbers,
        "tokens_per_byte": counts["num_tokens"] / counts["num_bytes"] if counts["num_bytes"] else None,
        "tokens_per_word": counts["num_tokens"] / counts["num_words"] if counts["num_words"] else None,
        "round_trips": 1 - counts["num_changed"] / counts["num_texts"],
        "example": example[0],
        "example_decoded": example[1],
    }
