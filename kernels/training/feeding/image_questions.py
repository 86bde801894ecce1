"""Questions about images that other splits ask: they are not learned from, since validation and evals ask every model of them."""

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.reading.images.conversations import PLACE, SUFFIXES, read_split
from kernels.reading.images.decoding import UnreadableImage, decode_file
from kernels.specs.sources import Reject


class Asked(NamedTuple):
    """A question about an image, whatever the image's file is called, letters' case and white space left aside."""

    digest: bytes
    """Of the pixels as a model sees them."""
    question: str


def asked_elsewhere(folder: Path, split: str, size: int) -> set[Asked]:
    """Return what the other splits of a folder ask of images that can be read; a file that is no split asks nothing."""
    found: set[Asked] = set()
    for path in sorted(folder.iterdir()):
        if path.suffix in SUFFIXES and path.stem != split:
            try:
                found |= _asked_by(folder, path.stem, size)
            except ValueError:
                continue
    return found


def _asked_by(folder: Path, split: str, size: int) -> set[Asked]:
    found: set[Asked] = set()
    digests: dict[str, bytes | None] = {}
    for each in read_split(folder, split):
        if isinstance(each, Reject):
            continue
        if each.image not in digests:
            try:
                digests[each.image] = digest_of(decode_file(folder / each.image, size))
            except UnreadableImage:
                digests[each.image] = None
        if (digest := digests[each.image]) is not None:
            found |= {Asked(digest, question_of(turn.content)) for turn in each.turns[::2]}
    return found


def digest_of(pixels: NDArray[np.uint8]) -> bytes:
    """Return a digest of the pixels of an image as a model sees them, [size, size, 3]."""
    return hashlib.blake2b(pixels.tobytes(), digest_size=16).digest()


def question_of(text: str) -> str:
    """Return what a turn asks, as it is compared."""
    return " ".join(text.replace(PLACE, " ").casefold().split())
