"""Pages of a cache through long random lives: none is lost, none is written to while another holds it, and what is found is what was kept."""

import random
from collections import Counter
from typing import Any

import pytest

from kernels.inference.cache.pages import PAGE, OutOfPagesError, Pages
from kernels.inference.cache.sequences import Held


class Life:
    """Random sequences on a small cache, beside what their pages should hold."""

    def __init__(self, seed: int, num_pages: int) -> None:
        self.random = random.Random(seed)
        self.pages = Pages(num_pages)
        self.written: list[list[tuple[int, ...] | None]] = [[None] * PAGE for _ in range(num_pages)]
        """Of each page's places: all tokens up to the one that was kept there."""
        self.living: list[tuple[Held, list[int], int]] = []
        self.counts = Counter[str]()

    def token(self) -> int:
        return self.random.choice((0, 0, 0, 1))

    def begin(self) -> None:
        tokens = [self.token() for _ in range(self.random.randrange(1, 5 * PAGE))]
        held = Held(self.pages)
        unit = self.random.choice((PAGE, PAGE, 2 * PAGE))
        num_kept = held.begin(tokens[:-1], unit)
        assert num_kept < len(tokens) and num_kept % unit == 0
        self.check_kept(held, tokens, num_kept)
        self.counts["found"] += num_kept
        self.living.append((held, tokens, num_kept))

    def read(self, place: int) -> None:
        held, tokens, num_kept = self.living[place]
        if num_kept == len(tokens):
            tokens.append(self.token())
        until = self.random.randrange(num_kept, len(tokens)) + 1
        before = list(held.table)
        try:
            copies = held.make_room(num_kept, until)
        except OutOfPagesError:
            assert held.table == before
            self.counts["full"] += 1
            self.end(self.random.randrange(len(self.living)))
            return
        for source, target in copies:
            self.written[target] = list(self.written[source])
            self.counts["copied"] += 1
        for index in range(num_kept, until):
            page = held.table[index // PAGE]
            assert self.pages.holders(page) == 1
            self.written[page][index % PAGE] = tuple(tokens[: index + 1])
        held.keep(tokens, until)
        self.check_kept(held, tokens, until)
        self.living[place] = (held, tokens, until)

    def check_kept(self, held: Held, tokens: list[int], num_kept: int) -> None:
        for index in range(num_kept):
            assert self.written[held.table[index // PAGE]][index % PAGE] == tuple(tokens[: index + 1])

    def fork(self, place: int) -> None:
        held, tokens, num_kept = self.living[place]
        self.living.append((held.forked(), list(tokens), num_kept))

    def end(self, place: int) -> None:
        held, _, _ = self.living.pop(place)
        held.let_go()
        assert held.table == []

    def cut(self, place: int) -> None:
        held, tokens, num_kept = self.living[place]
        kept = self.random.randrange(max(0, num_kept - 3), num_kept + 1)
        kept = max(kept, num_kept // PAGE * PAGE)
        held.cut(kept)
        self.living[place] = (held, tokens[: max(1, kept)], kept)

    def live(self, num_operations: int) -> None:
        for number in range(num_operations):
            name = self.random.choices(("begun", "read", "forked", "ended", "cut"), (2, 10, 1, 2, 1))[0]
            if name == "begun" or not self.living:
                self.begin()
            else:
                place = self.random.randrange(len(self.living))
                {"read": self.read, "forked": self.fork, "ended": self.end, "cut": self.cut}[name](place)
            self.counts[name] += 1
            if number % 64 == 0:
                self.pages.check([held.table for held, _, _ in self.living])
        while self.living:
            self.end(0)
        self.pages.check([])
        assert self.pages.num_free == self.pages.count


@pytest.mark.parametrize(("seed", "num_pages"), [(1, 12), (2, 40), (3, 4)])
def test_no_page_is_lost_or_shared_wrongly_by_random_lives(seed: int, num_pages: int) -> None:
    life = Life(seed, num_pages)
    life.live(20_000)
    assert all(life.counts[name] for name in ("found", "full", "copied", "forked"))


@pytest.mark.slow
def test_no_page_is_lost_or_shared_wrongly_by_a_million_random_operations() -> None:
    for seed in range(10):
        Life(100 + seed, 8 + 5 * seed).live(100_000)


def test_what_nobody_holds_is_found_until_its_room_is_needed_and_ends_go_first() -> None:
    pages = Pages(3)
    tokens = [*range(3 * PAGE)]
    first = Held(pages)
    assert first.begin(tokens) == 0
    first.make_room(0, 3 * PAGE)
    first.keep(tokens, 3 * PAGE)
    first.let_go()
    other = Held(pages)
    other.make_room(0, PAGE)
    again = Held(pages)
    assert again.begin(tokens) == 2 * PAGE


def test_texts_that_begin_otherwise_share_nothing_though_a_later_page_has_the_same_tokens() -> None:
    pages = Pages(4)

    def kept(tokens: list[int], root: int = 0) -> int:
        held: Any = Held(pages, root)
        found = held.begin(tokens)
        held.make_room(found, len(tokens))
        held.keep(tokens, len(tokens))
        held.let_go()
        return found

    same = [7] * PAGE
    assert kept([*range(PAGE), *same]) == 0
    assert kept([*range(1, PAGE + 1), *same]) == 0
    assert kept([*range(PAGE), *same]) == 2 * PAGE
    assert kept([*range(PAGE), *same], root=-1) == 0
