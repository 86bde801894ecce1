"""Words of texts as flat arrays: exactly the words of spaCy's English tokenizer, which datatrove 0.10.1's filters count by.

A process remembers the words of every run of characters it has seen, up to a limit; what is new is split by compiled rules, and by
spaCy itself where those do not decide. One thing differs: spaCy also looks for its special strings across white space, and where such a
find (which it then leaves as it is) overlaps a special string within a run (as in ``dogs' ''``), it leaves that one split too.
"""

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.curation.text.string_buffers import flat_bytes

if TYPE_CHECKING:
    import polars as pl

    from kernels.curation.text.spaceless_runs import Runs

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
U64 = NDArray[np.uint64]

_FIRST_SLOTS = 1 << 19
_FIRST_PIECES = 1 << 21
_MAX_SLOTS = 1 << 22
_MAX_PIECES = 1 << 23


class Words(NamedTuple):
    """The W words of N texts; text i owns words offsets[i]:offsets[i + 1]."""

    data: U8
    """The texts' UTF-8, end to end."""
    bounds: I64
    """[N + 1] where each text begins in ``data``."""
    start: I32
    """[W] first byte in ``data``."""
    end: I32
    """[W] one past the last byte."""
    chars: I32
    """[W] length in characters."""
    flags: U8
    """[W] bits of `kernels.curation.text.spaceless_runs`."""
    hash: U64
    """[W] polynomial hash of the characters."""
    power: U64
    """[W] what a hash behind this word is multiplied by to make that of both together."""
    offsets: I64
    """[N + 1]"""

    def text(self, row: int) -> list[str]:
        """Return the words of one text."""
        places = range(self.offsets[row], self.offsets[row + 1])
        return [self.data[self.start[place] : self.end[place]].tobytes().decode() for place in places]


class _Vocabulary:
    """The words of all runs seen so far."""

    def __init__(self) -> None:
        from kernels.curation.text.affixes import english_rules

        self._rules = english_rules()
        self._forget()

    def _forget(self) -> None:
        self._slots = np.zeros((_FIRST_SLOTS, 2), np.uint64)
        self._pieces = np.zeros((_FIRST_PIECES, 3), np.uint64)
        self._num_slots = self._num_pieces = 0

    def _make_room(self, num_runs: int) -> None:
        """Let the table stay at most half full, whatever the runs; forget all where it would grow past its limit."""
        from kernels.curation.text.spaceless_runs import move

        if self._num_slots > _MAX_SLOTS // 2 or self._num_pieces > _MAX_PIECES:
            self._forget()
        size = len(self._slots)
        while size < 2 * (self._num_slots + num_runs):
            size *= 2
        if size > len(self._slots):
            used = self._slots[self._slots[:, 0] > 0]
            self._slots = np.zeros((size, 2), np.uint64)
            move(used, self._slots)

    def _look_up(self, data: U8, offsets: I64) -> tuple["Runs", int, int]:
        """Return the runs of texts, the words of each known, and the numbers of runs and of words."""
        from kernels.curation.text.spaceless_runs import Runs, fill_entries, find_runs, look_up, split_missing

        room = _max_runs(data, offsets)
        kinds = (np.int32, np.int32, np.uint64, np.uint64, np.uint8)
        columns: list[Any] = [np.empty(room, kind) for kind in kinds]
        runs = Runs._make([*columns, np.empty(len(offsets), np.int64)])
        num_runs = find_runs(data, offsets, runs)
        self._make_room(num_runs)
        missing = np.empty(num_runs, np.int64)
        missing = missing[: look_up(runs, num_runs, self._slots, missing)]
        self._num_slots += len(missing)
        if len(missing):
            sizes = runs.end[missing] - runs.start[missing]
            self._grow(int(sizes.sum()))
            length = int(sizes.max()) + 1
            scratch = (np.empty(length, np.int32), np.empty(length, np.int32), np.empty(length, np.int32))
            asked = np.empty(len(missing), np.int64)
            self._num_pieces, num_asked = split_missing(data, runs, missing, self._rules, self._slots, self._pieces, self._num_pieces, asked, scratch)
            self._ask(data, runs, asked[:num_asked])
        return runs, num_runs, fill_entries(runs, num_runs, self._slots)

    def _grow(self, num_more: int) -> None:
        size = len(self._pieces)
        while size < self._num_pieces + num_more:
            size *= 2
        if size > len(self._pieces):
            self._pieces = np.concatenate([self._pieces, np.zeros((size - len(self._pieces), 3), np.uint64)])

    def _ask(self, data: U8, runs: "Runs", asked: I64) -> None:
        """Let spaCy split the runs that the rules do not decide."""
        from kernels.curation.text.english import spacy_ends
        from kernels.curation.text.spaceless_runs import enter, store

        if not len(asked):
            return
        texts = [data[runs.start[run] : runs.end[run]].tobytes().decode() for run in asked]
        ends_by_text = spacy_ends(texts)
        for run, text, ends in zip(asked.tolist(), texts, ends_by_text, strict=True):
            code = np.frombuffer(text.encode("utf-32-le"), np.int32)
            store(code, np.array(ends, np.int32), len(ends), self._rules.table, self._pieces, self._num_pieces)
            enter(runs, run, self._num_pieces << 32 | len(ends), self._slots)
            self._num_pieces += len(ends)

    def words(self, data: U8, offsets: I64) -> Words:
        """Return the words of texts given as flat bytes.

        Raises:
            ValueError: the texts have 2 GiB or more.
        """
        from kernels.curation.text.spaceless_runs import emit

        if len(data) > np.iinfo(np.int32).max:
            raise ValueError(
                f"{len(data)} bytes of text at once: give batches of less than 2 GiB, and let the source's max_bytes cut longer documents"
            )
        runs, _, size = self._look_up(data, offsets)
        kinds = (np.int32, np.int32, np.int32, np.uint8, np.uint64, np.uint64)
        columns: list[Any] = [np.empty(size, kind) for kind in kinds]
        words = Words._make([data, offsets, *columns, np.empty(len(offsets), np.int64)])
        emit(runs, self._pieces, *words[2:])
        return words


def _max_runs(data: U8, offsets: I64) -> int:
    """Return an upper bound of the number of runs: the texts, and the bytes that may begin white space."""
    return int(np.count_nonzero((data <= 32) | (data == 0xC2) | ((data >= 0xE1) & (data <= 0xE3)))) + len(offsets)


@cache
def _vocabulary() -> _Vocabulary:
    return _Vocabulary()


def split_texts(texts: "pl.Series") -> Words:
    """Return the words of N texts (str series without nulls)."""
    data, offsets = flat_bytes(texts)
    return _vocabulary().words(data, offsets)


def split_words(text: str) -> list[str]:
    """Return the words of one text in order."""
    import polars as pl

    return split_texts(pl.Series([text], dtype=pl.String)).text(0)


def word_hashes(words: tuple[str, ...]) -> U64:
    """Return the distinct hashes of words as `Words` has them."""
    from kernels.curation.text.affixes import code_points
    from kernels.curation.text.spaceless_runs import word_hash

    return np.unique(np.array([word_hash(code_points(word)) for word in words], np.uint64))
