"""Texts that pass a reader in pieces beside each other, from pages in any order."""

import random
from collections.abc import Callable, Sequence
from typing import Any

import torch

from kernels.inference.cache.pages import PAGE
from kernels.inference.readers.reading import Stretch


def assert_read_as_whole(
    reader: Any,
    num_pages: int,
    texts: Sequence[list[int]],
    expected: Sequence[torch.Tensor],
    next_count: Callable[[int, int], int],
    chance: random.Random,
    asked_of: Callable[[int], range] = range,
) -> None:
    """Read texts to their ends, some at a time, and compare what follows tokens with what follows them in whole texts.

    Args:
        reader: of a model.
        num_pages: that it has.
        texts: tokens.
        expected: logits [T, V] of each text.
        next_count: returns how many tokens of a text pass next, given its number and how many of its tokens are kept.
        chance: of what passes together, and of pages.
        asked_of: returns which of so many tokens are asked.
    """
    tables = chance.sample(range(num_pages), num_pages)
    pages = [[tables.pop() for _ in range(-(-len(text) // PAGE))] for text in texts]
    kept = [0] * len(texts)
    while any(num < len(text) for num, text in zip(kept, texts, strict=True)):
        stretches: list[Stretch] = []
        wanted: list[torch.Tensor] = []
        for index, text in enumerate(texts):
            if kept[index] == len(text) or chance.random() < 0.3:
                continue
            count = next_count(index, kept[index])
            stretches.append(Stretch(text[kept[index] : kept[index] + count], kept[index], pages[index], asked_of(count)))
            wanted.append(expected[index][kept[index] : kept[index] + count][stretches[-1].asked])
            kept[index] += count
        if stretches:
            torch.testing.assert_close(reader.read(stretches), torch.cat(wanted), rtol=1e-4, atol=1e-4)
