"""A permutation of the numbers below any size, of which each place can be asked alone, in constant memory.

A Feistel network (Luby and Rackoff 1988, "How to construct pseudorandom permutations from pseudorandom functions") over the next power of two,
walked on from what lies past the size until it comes back below it (Black and Rogaway 2002, "Ciphers with arbitrary finite domains").
"""

import hashlib

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]

MAX_SIZE = 1 << 62
_HALF_ROUNDS = 8
_MULTIPLIERS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


class Permutation:
    """One order of the numbers 0 to ``size`` - 1, chosen by a key of 64 bits."""

    def __init__(self, size: int, key: int) -> None:
        """Take the size, at most 2**62, and the key. Raises ValueError: there is no such permutation."""
        if not 0 <= size <= MAX_SIZE:
            raise ValueError(f"a permutation of {size} numbers; give a size between 0 and 2**62")
        self.size = size
        bits = max(2, (size - 1).bit_length())
        self._low_bits = np.uint64(bits // 2)
        self._masks = (np.uint64((1 << bits // 2) - 1), np.uint64((1 << bits - bits // 2) - 1))
        digest = hashlib.blake2b((key % 2**64).to_bytes(8, "little"), digest_size=8 * _HALF_ROUNDS).digest()
        self._keys = np.frombuffer(digest, "<u8")

    def __call__(self, places: I64) -> I64:
        """Return the numbers [N] that stand at places [N]. Raises IndexError: a place is none."""
        if places.size and (int(places.min()) < 0 or int(places.max()) >= self.size):
            raise IndexError(f"places {places.min()} to {places.max()} of a permutation of {self.size} numbers")
        numbers = self._stepped(places.astype(np.uint64))
        outside = np.flatnonzero(numbers >= self.size)
        while outside.size:  # a walk ends: a permutation of all comes back to where it began, which is below the size
            numbers[outside] = self._stepped(numbers[outside])
            outside = outside[numbers[outside] >= self.size]
        return numbers.astype(np.int64)

    def _stepped(self, numbers: U64) -> U64:
        """Return each number's successor in the power of two: halves change in turn, each by what the other says."""
        halves = [numbers & self._masks[0], numbers >> self._low_bits]
        for number, key in enumerate(self._keys):
            changed = number % 2
            halves[changed] ^= _scrambled(halves[1 - changed] ^ key) & self._masks[changed]
        return halves[1] << self._low_bits | halves[0]


def key_of(*words: object) -> int:
    """Return a key of 64 bits that depends on words."""
    return int.from_bytes(hashlib.blake2b(" ".join(map(str, words)).encode(), digest_size=8).digest(), "little")


def _scrambled(values: U64) -> U64:
    """Return values mixed by the splitmix64 finalizer (Steele et al. 2014, "Fast splittable pseudorandom number generators")."""
    values = (values ^ values >> np.uint64(30)) * _MULTIPLIERS[0]
    values = (values ^ values >> np.uint64(27)) * _MULTIPLIERS[1]
    return values ^ values >> np.uint64(31)
