"""MinHash signatures and their bands (Broder 1997; Lee et al. 2021, arXiv 2107.06499), with datatrove's defaults.

A text's shingles are the runs of n words of its normalised form, each hashed to 32 bits. Permutation k is x -> a_k x + b_k modulo
2**32 with odd a_k: a bijection of the 32-bit integers (multiply-shift, Dietzfelbinger et al. 1997), applied to well mixed hashes, which
compilers turn into vector instructions. Signatures are equal on every machine for equal config.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kernels.curation.deduplication.exact import byte_hashes
from kernels.curation.deduplication.normalised import normalised_batches
from kernels.curation.text.shingles import mix
from kernels.specs.config import Config

if TYPE_CHECKING:
    import polars as pl

U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]


class MinHashConfig(Config):
    """Shape of a signature. Two texts of Jaccard similarity s share a band with probability 1 - (1 - s**hashes_per_bucket)**num_buckets."""

    num_buckets: int = Field(default=14, gt=0)
    """Bands of a signature (datatrove's default)."""
    hashes_per_bucket: int = Field(default=8, gt=0)
    """Minimum hashes in a band (datatrove's default)."""
    ngram: int = Field(default=5, gt=0)
    """Words in a shingle (Lee et al. 2021 and datatrove's default)."""
    seed: int = Field(ge=0, lt=1 << 63)
    """Seed of the permutations."""

    @property
    def num_hashes(self) -> int:
        """Length of a signature."""
        return self.num_buckets * self.hashes_per_bucket


def signatures(texts: "pl.Series", config: MinHashConfig) -> U32:
    """Return the minimum hashes of N texts: [N, num_buckets * hashes_per_bucket] uint32.

    A text of fewer words than a shingle is one shingle whole; a text that is empty has the largest value everywhere.
    """
    return sign(texts, config).signature


class Signed(NamedTuple):
    """What N texts are matched by: a hash of each normalised text (N) and its minimum hashes [N, num_hashes]."""

    exact: U64
    signature: U32


def sign(texts: "pl.Series", config: MinHashConfig) -> Signed:
    """Return hashes and signatures of N texts, which are normalised once for both."""
    from kernels.curation.deduplication.loops.minima import minima

    factors, shifts = _permutations(config)
    signed = Signed(np.zeros(len(texts), np.uint64), np.zeros((len(texts), config.num_hashes), np.uint32))
    for batch in normalised_batches(texts):
        signed.exact[batch.rows] = byte_hashes(batch.data, batch.offsets)
        signed.signature[batch.rows] = minima(batch.data, batch.offsets, config.ngram, factors, shifts)
    return signed


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
