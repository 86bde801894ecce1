"""Images with a question each, in LLaVA's form: rendered ones, and handwritten digits as scikit-learn ships them.

The digits are the test set of Alpaydin and Kaynak's "Optical Recognition of Handwritten Digits" (1998, UCI), 8 by 8 pixels in 17 greys. No picture of
validation or test is, byte for byte, one of train.
"""

import gzip
import hashlib
import io
import json
import random
from collections.abc import Iterator

import numpy as np
from PIL import Image

from assets.datasets.builder import Builder, EmbeddedDataset
from kernels.reading.images.conversations import MARK
from kernels.synthesis.images import DIGITS, Rendered, render

SEED = 1
SIZE = 32
DIGITS_MEMBER = "sklearn/datasets/data/digits.csv.gz"
DIGITS_QUESTION = "Which digit was written by hand?"
RENDERED = {"train": 6000, "validation": 250, "test": 500}
HANDWRITTEN = {"train": 1297, "validation": 100, "test": 400}
SMOKE = {"train": 200, "validation": 25, "test": 50}
GREYS = 16


def _build(builder: Builder) -> None:
    """Both kinds; the test splits of each stand in a file of their own."""
    digits = list(_handwritten(builder))
    random.Random(SEED).shuffle(digits)
    _write(builder, RENDERED, {"rendered": iter(_pictures()), "handwritten": iter(digits)})


def _build_smoke(builder: Builder) -> None:
    """Rendered ones alone."""
    _write(builder, SMOKE, {"rendered": iter(_pictures())})


def _pictures() -> Iterator[Rendered]:
    number = 0
    while True:
        yield render(number, SEED, SIZE)
        number += 1


def _handwritten(builder: Builder) -> Iterator[Rendered]:
    """Yield the digits that people wrote."""
    rows = np.loadtxt(io.BytesIO(gzip.decompress(builder.read("scikit-learn", DIGITS_MEMBER))), delimiter=",")
    for row in rows:
        stream = io.BytesIO()
        grey = (row[:-1].reshape(8, 8) * 255 / GREYS).round().astype(np.uint8)
        Image.fromarray(grey).save(stream, "PNG")
        yield Rendered(stream.getvalue(), "handwritten", DIGITS_QUESTION, str(int(row[-1])), DIGITS)


def _write(builder: Builder, counts: dict[str, int], pictures: dict[str, Iterator[Rendered]]) -> None:
    """Write train, validation and test of some kinds together, and the test of each kind as ``test_`` and its name."""
    seen: set[bytes] = set()
    records: dict[str, list[dict[str, object]]] = {}
    for name, given in pictures.items():
        for split, count in (counts if name == "rendered" else HANDWRITTEN).items():
            own = [_record(builder, f"{name}/{split}-{number:05d}.png", each) for number, each in enumerate(_unseen(given, count, seen))]
            records.setdefault(split, []).extend(own)
            if split == "test":
                records[f"test_{name}"] = own
    for split, own in records.items():
        builder.write(f"{split}.json", json.dumps(own, indent=1).encode())


def _unseen(pictures: Iterator[Rendered], count: int, seen: set[bytes]) -> Iterator[Rendered]:
    """Yield the next pictures that are none of those before, at most ``count``."""
    while count and (picture := next(pictures, None)) is not None:
        digest = hashlib.blake2b(picture.png).digest()
        if digest not in seen:
            seen.add(digest)
            count -= 1
            yield picture


def _record(builder: Builder, name: str, picture: Rendered) -> dict[str, object]:
    """Write a picture and return its conversation."""
    builder.write(name, picture.png)
    turns = [{"from": "human", "value": f"{MARK}\n{picture.question}"}, {"from": "gpt", "value": picture.answer}]
    return {"id": name.removesuffix(".png"), "image": name, "conversations": turns, "options": list(picture.options)}


SPEC = EmbeddedDataset(name="images", build=_build, build_smoke=_build_smoke)
