"""The set of images: every record is read, no picture that is asked for was learned from, and digits are what people wrote."""

import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from assets.datasets import images
from assets.datasets.builder import Builder
from kernels.reading.images.conversations import ImageConversation, read_split


def conversations(folder: Path, split: str) -> list[ImageConversation]:
    found = list(read_split(folder, split))
    assert all(isinstance(each, ImageConversation) and each.options for each in found)
    return [each for each in found if isinstance(each, ImageConversation)]


@pytest.fixture
def whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The set with few pictures, its digits from a package of twelve rows, two of them alike."""
    rows = np.random.default_rng(0).integers(0, 17, (12, 65))
    rows[:, -1] = np.arange(12) % 10
    rows[11] = rows[0]
    stream = io.StringIO()
    np.savetxt(stream, rows, delimiter=",")
    monkeypatch.setattr(Builder, "read", lambda self, package, member: gzip.compress(stream.getvalue().encode()))  # pyright: ignore[reportUnknownLambdaType]
    monkeypatch.setattr(images, "RENDERED", {"train": 10, "validation": 5, "test": 5})
    monkeypatch.setattr(images, "HANDWRITTEN", {"train": 6, "validation": 2, "test": 3})
    build: Any = images.SPEC.build
    build(Builder(tmp_path, tmp_path))
    return tmp_path


def test_every_split_has_both_kinds_and_the_test_of_each_stands_alone(whole: Path) -> None:
    counts = {split: len(conversations(whole, split)) for split in ("train", "validation", "test", "test_rendered", "test_handwritten")}
    assert counts == {"train": 16, "validation": 7, "test": 8, "test_rendered": 5, "test_handwritten": 3}


def test_no_picture_stands_in_two_splits(whole: Path) -> None:
    names = [each.image for split in ("train", "validation", "test") for each in conversations(whole, split)]
    assert len({(whole / name).read_bytes() for name in names}) == len(names) == 31


def test_a_digit_is_the_greys_and_the_number_of_its_row(whole: Path) -> None:
    stored = {each.image: each.turns[-1].content for each in conversations(whole, "test_handwritten")}
    rows = np.random.default_rng(0).integers(0, 17, (12, 65))
    for name, answer in stored.items():
        greys = (np.asarray(Image.open(whole / name)).astype(float) * 16 / 255).round().flatten()
        (number,) = [index for index, row in enumerate(rows) if (row[:-1] == greys).all()]
        assert answer == str(number % 10)
