"""What a stage of the corpus did, gathered batch by batch in bounded memory: counts by reason, lengths, languages, samples.

Samples are the documents whose ids hash lowest, so that they are spread over a partition and the same on every machine.
"""

import heapq
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kernels.documents.conversations import transcript
from kernels.specs.turns import Turn

if TYPE_CHECKING:
    import polars as pl

SAMPLE_SIZE = 10
EXCERPT_CHARS = 200
BAR_CHARS = 24


class Profile:
    """Counts and samples of one partition at one stage."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self.num_kept = 0
        self.num_text_bytes = 0
        self.reasons: Counter[str] = Counter()
        self.mentions: Counter[str] = Counter()
        """Kept documents that mention a group of people, where `mention` was called."""
        self._lengths: list[NDArray[np.int64]] = []
        self.languages: Counter[str] = Counter()
        self._kept: list[tuple[int, str, str]] = []
        self._dropped: list[tuple[int, str, str]] = []

    def keep(self, documents: pa.Table) -> None:
        """Add kept documents (columns id, text and turns)."""
        import polars as pl

        frame = cast(pl.DataFrame, pl.from_arrow(documents.select(["id", "text"])))  # pyright: ignore[reportUnknownMemberType]
        turns = documents["turns"]
        self.num_kept += len(frame)
        self.num_text_bytes += int(frame["text"].str.len_bytes().sum())
        self._lengths.append(frame["text"].str.len_chars().to_numpy().astype(np.int64))
        self._sample(self._kept, frame["id"], lambda place: _shown(frame["text"][place], turns[place].as_py()))

    def drop(self, dropped: pa.Table, reason: str = "reason", text: str | None = "text") -> None:
        """Add dropped documents (columns id and those named)."""
        import polars as pl

        reasons = cast(list[str], dropped[reason].to_pylist())
        self.reasons.update(reasons)
        ids = pl.Series(dropped["id"].to_pylist(), dtype=pl.String)
        texts = cast(list[str], dropped[text].to_pylist()) if text else [""] * len(reasons)
        shown = [f"({why}) {excerpt}" for why, excerpt in zip(reasons, texts, strict=True)]
        self._sample(self._dropped, ids, lambda place: shown[place])

    def mention(self, documents: pa.Table) -> None:
        """Count the groups of people that kept documents (column text) mention."""
        import polars as pl

        from kernels.curation.group_mentions import count_mentions

        self.mentions.update(count_mentions(cast(pl.Series, pl.from_arrow(documents["text"]))))  # pyright: ignore[reportUnknownMemberType]

    def tag(self, tags: pa.Table) -> None:
        """Add what filters measured (schema `kernels.curation.filtering.chain.TAGS`): languages are counted."""
        names = tags["name"].to_pylist()
        labels = cast(list[str], tags["label"].to_pylist())
        self.languages.update(label for name, label in zip(names, labels, strict=True) if name == "language")

    def _sample(self, sample: list[tuple[int, str, str]], ids: "pl.Series", show: Callable[[int], str]) -> None:
        """Keep the lowest hashes; the heap's first is the highest of them, as hashes are negated."""
        import xxhash

        for place, key in enumerate(cast(list[str], ids.to_list())):
            order = -xxhash.xxh64_intdigest(key.encode())
            if len(sample) < SAMPLE_SIZE:
                heapq.heappush(sample, (order, key, show(place)[:EXCERPT_CHARS]))
            elif order > sample[0][0]:
                heapq.heapreplace(sample, (order, key, show(place)[:EXCERPT_CHARS]))

    def kept_rows(self) -> list[dict[str, str]]:
        """Return ten kept documents."""
        return [{"kept": key, "text": text} for _, key, text in sorted(self._kept, reverse=True)]

    def dropped_rows(self) -> list[dict[str, str]]:
        """Return ten dropped documents with the reason."""
        return [{"dropped": key, "text": text} for _, key, text in sorted(self._dropped, reverse=True)]

    def outcome_rows(self) -> list[dict[str, Any]]:
        """Return kept and dropped by reason with shares and bars."""
        return bars("outcome", [("kept", self.num_kept), *self.reasons.most_common()], "documents")

    def length_rows(self) -> list[dict[str, Any]]:
        """Return the histogram of lengths in characters, by powers of two."""
        counts = np.bincount(np.frexp(self._all_lengths())[1]).tolist()
        return bars("characters", [(f"{1 << power >> 1:,}+", count) for power, count in enumerate(counts) if count], "documents")

    def length_quantiles(self) -> dict[str, float]:
        """Return how many characters the 5th, 50th and 95th of a hundred kept documents have; nothing where none is kept."""
        lengths = self._all_lengths()
        return {f"p{q}": float(np.percentile(lengths, q)) for q in (5, 50, 95)} if len(lengths) else {}

    def language_shares(self) -> dict[str, float]:
        """Return the share of each language among the documents whose language was identified, the commonest twenty."""
        total = self.languages.total()
        return {language: count / total for language, count in self.languages.most_common(20)}

    def _all_lengths(self) -> NDArray[np.int64]:
        return np.concatenate([np.zeros(0, np.int64), *self._lengths])

    def language_rows(self) -> list[dict[str, Any]]:
        """Return the histogram of languages."""
        return bars("language", self.languages.most_common(20), "documents")


def _shown(text: str, turns: list[dict[str, Any]] | None) -> str:
    """Return a document for people to read: of a conversation who says what."""
    return text if turns is None else transcript(Turn(**turn) for turn in turns)


def bars(name: str, counts: list[tuple[str, int]], unit: str) -> list[dict[str, Any]]:
    """Return one row a value: its count, its share of all, and a bar of characters."""
    total = sum(count for _, count in counts) or 1
    most = max((count for _, count in counts), default=0) or 1
    return [{name: value, unit: count, "share": f"{count / total:.1%}", "": "█" * round(BAR_CHARS * count / most) or "▏"} for value, count in counts]
