"""Rendered images: the same by seed and number, asked in turns, with answers that nobody can guess unseen."""

import io
from collections import Counter

import numpy as np
from PIL import Image

from kernels.synthesis.images import BACKGROUNDS, COLOURS, JITTER, Rendered, render

KINDS = 5


def rendered(count: int) -> list[Rendered]:
    return [render(number, 1, 32) for number in range(count)]


def pixels(picture: Rendered) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture.png)), int)


def test_a_picture_follows_from_seed_and_number_alone() -> None:
    assert render(7, 1, 32) == render(7, 1, 32) != render(7, 2, 32)
    assert len({picture.png for picture in rendered(200)}) == 200


def test_kinds_take_turns_and_no_answer_of_a_kind_is_much_likelier_than_its_share() -> None:
    pictures = rendered(1500)
    for kind in {picture.kind for picture in pictures}:
        own = [picture for picture in pictures if picture.kind == kind]
        assert len(own) == 1500 // KINDS and all(picture.answer in picture.options for picture in own)
        assert set(Counter(picture.answer for picture in own)) == set(own[0].options)
        assert max(Counter(picture.answer for picture in own).values()) < 1.5 * len(own) / len(own[0].options)


def test_the_colour_that_is_answered_is_in_the_picture() -> None:
    for picture in rendered(200):
        if picture.kind == "colour":
            near = np.abs(pixels(picture) - COLOURS[picture.answer]).max(-1) <= 2 * JITTER
            assert near.mean() > 0.02, picture.question


def test_as_many_circles_are_there_as_are_answered() -> None:
    for picture in rendered(200):
        if picture.kind == "count":
            shown = pixels(picture)
            away = np.stack([np.abs(shown - ground).max(-1) for ground in BACKGROUNDS]).min(0) > 2 * JITTER
            quarters = [away[top : top + 16, left : left + 16].mean() > 0.1 for top in (0, 16) for left in (0, 16)]
            assert sum(quarters) == int(picture.answer)
