"""Exact substring deduplication: spans of words that stand earlier in a partition are cut from later documents (Lee et al. 2021, arXiv 2107.06499).

That paper finds repeated spans of at least 50 tokens by a suffix array. For a fixed least length a table of all windows of that many words
gives the same spans in linear time and a tenth of the memory: a window repeats exactly if it is in the table, where every hit is compared
word by word. Tokens are words without regard to case and marks, and signs; in scripts without spaces, characters. First occurrences stay whole,
and so does whatever only the same conversation said before (stretches.py).
"""

from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import Field

from kernels.curation.deduplication.passages.cuts import CUTS
from kernels.curation.deduplication.passages.stretches import stretches_of
from kernels.specs.config import Config

_MAX_WORDS = 1 << 30


class SubstringConfig(Config):
    """How long a repeated span must be."""

    min_tokens: int = Field(default=50, ge=2)
    """Least words of a span (Lee et al. 2021 take 50 tokens); characters in scripts without spaces."""


def find_repeats(documents: pa.Table, config: SubstringConfig) -> pa.Table:
    """Return the spans to cut (schema `CUTS`), in order: covered by windows of words that stand earlier, and do not overlap themselves there.

    Raises:
        ValueError: more words than one table holds.
    """
    from kernels.curation.deduplication.loops.word_spans import repeated_spans, split_all
    from kernels.curation.text.normalised import kind_table, lower_case_table
    from kernels.curation.text.string_buffers import flat_bytes

    stretches = stretches_of(documents)
    data, offsets = flat_bytes(stretches.texts)
    words, starts, ends, bounds = split_all(data, offsets, (lower_case_table(), kind_table()))
    if len(words) > _MAX_WORDS:
        raise ValueError(f"{len(words)} words are too many for one partition: cut the source into smaller ones")
    slots = np.full(1 << max(4, (2 * len(words)).bit_length()), -1, np.int32)
    # What stood first behind these words stood in the same conversation; of another document, anywhere before counts.
    begins = bounds[np.searchsorted(stretches.rows, stretches.rows)]
    limits = np.where(stretches.is_conversation[stretches.rows], begins, len(words))
    found, first_words, words_behind, sources = repeated_spans(words, bounds, limits, config.min_tokens, slots)
    holders = stretches.rows[np.searchsorted(bounds, sources, side="right") - 1]
    texts, places = stretches.rows[found], stretches.starts[found]
    ids: Any = documents["id"]
    columns: list[Any] = [
        ids.take(pa.array(texts)),
        pa.array(places + starts[first_words]),
        pa.array(places + ends[words_behind - 1]),
        ids.take(pa.array(holders)),
    ]
    return pa.Table.from_arrays(columns, names=CUTS.names).cast(CUTS)
