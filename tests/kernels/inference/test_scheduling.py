"""Whatever comes and however few pages there are, every sequence gets its turn and ends, and no step reads more than its budget."""

import random

import pytest

from kernels.inference.cache.pages import PAGE, Pages
from kernels.inference.cache.sequences import Held
from kernels.inference.scheduling import Schedule, passed


class Growing:
    """A sequence that grows by a token each time that all of it was read, up to a length."""

    def __init__(self, pages: Pages, chance: random.Random, arrival: tuple[int, int], longest: int) -> None:
        self.held, self.num_kept, self.arrival = Held(pages), 0, arrival
        given = chance.randrange(1, longest)
        self.tokens = [chance.choice((0, 0, 0, 1)) for _ in range(given)]
        self.length = chance.randrange(given, longest) + 1
        self.num_together = given if chance.random() < 0.1 else 0
        self.guessed: list[int] = []
        self.unit, self.num_shown = PAGE, None

    @property
    def together(self) -> int:
        return 0 if self.num_kept else self.num_together

    @property
    def num_findable(self) -> int:
        return 0 if self.num_together else len(self.tokens) - 1


@pytest.mark.parametrize("seed", range(30))
def test_all_end(seed: int) -> None:
    chance = random.Random(seed)
    num_pages, budget = chance.randrange(4, 12), chance.choice((1, 5, 16, 200))
    pages = Pages(num_pages, remembers=chance.random() < 0.7)
    schedule = Schedule[Growing](pages, most_tokens=budget, most_sequences=chance.choice((1, 3, 50)))
    coming = 40
    living: list[Growing] = []
    num_ended = num_forked = steps = 0
    while coming or living:
        steps += 1
        assert steps < 20_000
        if coming and chance.random() < 0.5:
            coming -= 1
            living.append(Growing(pages, chance, (40 - coming, 0), num_pages * PAGE))
            schedule.add(living[-1], living[-1].length)
        step = schedule.step()
        assert step.pieces or not (schedule.running or schedule.waiting)
        assert sum(piece.num_tokens for piece in step.pieces if not piece.sequence.num_together) <= budget
        assert len({id(piece.sequence) for piece in step.pieces}) == len(step.pieces)
        for sequence in passed(step.pieces):
            if len(sequence.tokens) >= sequence.length:
                schedule.remove(sequence)
                living.remove(sequence)
                num_ended += 1
                continue
            if len(sequence.tokens) < sequence.length - 1 and chance.random() < 0.02 and num_forked < 20:
                num_forked += 1
                other = Growing(pages, chance, (sequence.arrival[0], num_forked), 2)
                other.held, other.num_kept, other.num_together = sequence.held.forked(), sequence.num_kept, sequence.num_together
                other.tokens, other.length = [*sequence.tokens, 1], sequence.length
                living.append(other)
                schedule.add_running(other)
            sequence.tokens.append(chance.choice((0, 1)))
        pages.check([sequence.held.table for sequence in living])
    assert num_ended == 40 + num_forked and pages.num_free == num_pages
