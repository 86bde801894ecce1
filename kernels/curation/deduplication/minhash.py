"""MinHash: which texts may be near each other, by bands of minimum hashes, and how near they are, by their shingles themselves.

A text's shingles are the runs of n words and signs of its normalised form (characters in scripts without spaces), each hashed to 32 bits.
Permutation k is x -> a_k x + b_k modulo 2**32 with odd a_k: a bijection of the 32-bit integers (multiply-shift, Dietzfelbinger et al. 1997),
applied to well mixed hashes, which compilers turn into vector instructions. Bands are those of Broder 1997 and Lee et al. 2021 (arXiv
2107.06499). Signatures are equal on every machine for equal config.

Minimum hashes only estimate a similarity: 112 of them tell .8 with a standard error of .038, so that half of the pairs at .8 look like less.
Hence the distinct shingles are kept too, the lowest `MAX_SHINGLES` of a longer text, and a pair in one band is compared by them: exactly up
to that length, with a standard error of at most .011 beyond (at .5; .009 at .8).
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kernels.curation.deduplication.exact import byte_hashes
from kernels.curation.text.normalised import normalised_batches
from kernels.curation.text.shingles import mix
from kernels.specs.config import Config

if TYPE_CHECKING:
    import polars as pl

U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]
I64 = NDArray[np.int64]

MAX_SHINGLES = 2048
MAX_HASHES = 128
MIN_CHANCE = 0.995


class MinHashConfig(Config):
    """Shape of a signature. Two texts of Jaccard similarity s share a band with probability 1 - (1 - s**hashes_per_bucket)**num_buckets."""

    num_buckets: int = Field(default=21, gt=0)
    """Bands of a signature. Where a recipe gives neither, both numbers follow from the similarity that is asked (`bands_for`)."""
    hashes_per_bucket: int = Field(default=6, gt=0)
    """Minimum hashes in a band."""
    ngram: int = Field(default=5, gt=0)
    """Words in a shingle (Lee et al. 2021 and datatrove's default)."""
    seed: int = Field(ge=0, lt=1 << 63)
    """Seed of the permutations."""

    @property
    def num_hashes(self) -> int:
        """Length of a signature."""
        return self.num_buckets * self.hashes_per_bucket

    def chance(self, similarity: float) -> float:
        """Return the probability that two texts of this similarity share a band."""
        return 1 - (1 - similarity**self.hashes_per_bucket) ** self.num_buckets


def bands_for(similarity: float) -> tuple[int, int]:
    """Return the bands and the hashes of each, of at most `MAX_HASHES` in all, that find a pair of this similarity with a chance of `MIN_CHANCE`.

    Of the shapes that do, that with the most hashes in a band, which compares the fewest pairs in vain; where none does, the likeliest.
    """
    for width in range(MAX_HASHES, 1, -1):
        if 1 - (1 - similarity**width) ** (MAX_HASHES // width) >= MIN_CHANCE:
            return MAX_HASHES // width, width
    return MAX_HASHES, 1


def signatures(texts: "pl.Series", config: MinHashConfig) -> U32:
    """Return the minimum hashes of N texts: [N, num_buckets * hashes_per_bucket] uint32.

    A text of fewer words than a shingle is one shingle whole; a text that is empty has the largest value everywhere.
    """
    return sign(texts, config).signature


class Shingles(NamedTuple):
    """Sets of shingles of N texts, each in order, end to end, with the N + 1 offsets."""

    values: U32
    offsets: I64

    def take(self, rows: NDArray[np.int64]) -> "Shingles":
        """Return the sets of some rows."""
        parts = [self.values[self.offsets[row] : self.offsets[row + 1]] for row in rows.tolist()]
        ends = np.cumsum(np.array([0, *map(len, parts)], np.int64))
        return Shingles(np.concatenate([np.zeros(0, np.uint32), *parts]), ends)


class Signed(NamedTuple):
    """What N texts are matched by: a hash of each normalised text (N), its minimum hashes [N, num_hashes] and its shingles."""

    exact: U64
    signature: U32
    shingles: Shingles


def sign(texts: "pl.Series", config: MinHashConfig) -> Signed:
    """Return hashes, signatures and shingles of N texts, which are normalised once for all."""
    from kernels.curation.deduplication.loops.minima import minima_and_shingles

    exact, signature = np.zeros(len(texts), np.uint64), np.zeros((len(texts), config.num_hashes), np.uint32)
    parts: list[tuple[I64, Shingles]] = []
    for batch in normalised_batches(texts):
        exact[batch.rows] = byte_hashes(batch.data, batch.offsets)
        lowest, values, offsets = minima_and_shingles(batch.data, batch.offsets, config.ngram, _permutations(config), MAX_SHINGLES)
        signature[batch.rows] = lowest
        parts.append((batch.rows, Shingles(values, offsets)))
    return Signed(exact, signature, _in_order(parts, len(texts)))


def _in_order(parts: list[tuple[I64, Shingles]], num_texts: int) -> Shingles:
    """Return the sets of batches (their rows, their sets) by row."""
    lengths = np.zeros(num_texts, np.int64)
    for rows, shingles in parts:
        lengths[rows] = np.diff(shingles.offsets)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    values = np.empty(int(offsets[-1]), np.uint32)
    for rows, shingles in parts:
        if len(rows) and rows[-1] - rows[0] == len(rows) - 1:  # none between them was asked about
            values[offsets[rows[0]] : offsets[rows[-1] + 1]] = shingles.values
            continue
        moved = np.repeat(offsets[rows] - shingles.offsets[:-1], lengths[rows])
        values[moved + np.arange(len(shingles.values))] = shingles.values
    return Shingles(values, offsets)


def _permutations(config: MinHashConfig) -> tuple[U32, U32]:
    """Return odd factors and shifts by counting up from the seed's hash, as NumPy's generators may change between releases."""
    seed = mix(np.array([config.seed], np.uint64))
    values = (mix(seed + np.arange(1, 2 * config.num_hashes + 1, dtype=np.uint64)) >> np.uint64(32)).astype(np.uint32)
    return values[: config.num_hashes] | np.uint32(1), values[config.num_hashes :]


def band_hashes(signature: U32, config: MinHashConfig) -> U64:
    """Return one hash a band of N signatures: [N, num_buckets] uint64; equal bands at different places differ.

    Raises:
        ValueError: the signatures have another length than the config's.
    """
    if signature.shape[1] != config.num_hashes:
        raise ValueError(f"signatures of {signature.shape[1]} hashes, but the config makes {config.num_hashes}: compute them anew")
    bands = signature.reshape(len(signature), config.num_buckets, config.hashes_per_bucket).astype(np.uint64)
    state = np.broadcast_to(mix(np.arange(1, config.num_buckets + 1, dtype=np.uint64)), bands.shape[:2])
    for place in range(config.hashes_per_bucket):
        state = mix(state ^ mix(bands[:, :, place] + np.uint64(place + 1)))
    return state
