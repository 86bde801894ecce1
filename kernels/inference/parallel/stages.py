"""A decoder read by several processes: each passes what goes through its blocks, and keeps their keys and values in pages of its own.

Who leads has the engine. It tells the others which tokens pass in each step and what is to be copied, as whole numbers; hidden states go from stage
to stage, and the logits back to who leads. What passes together is parted, so that stages compute beside each other (Huang et al. 2019, arXiv
1811.06965). Letters: see paged_attention.py; A tokens that are asked.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from kernels.inference.adapters.adding import Added, Place
from kernels.inference.cache.sequences import Copy
from kernels.inference.parallel.pieces import narrowed, pieces, unneeded
from kernels.inference.parallel.seats import Seat
from kernels.inference.readers.paged_attention import Group, Passing
from kernels.inference.readers.paged_decoder import PagedDecoder
from kernels.inference.readers.reading import Stretch

if TYPE_CHECKING:
    from kernels.inference.streaming.weights import Weights
    from kernels.models.blocks.flash.sequences import Rule


class Stage(PagedDecoder):
    """What one process does of a step. Of who leads it is the reader, of the others `follow` is all that is asked."""

    def __init__(self, seat: Seat, weights: "Weights", num_pages: int, device: str, dtype: Any) -> None:
        """Read this process's piece of a checkpoint.

        Raises:
            ValueError: the model cannot be parted so (names what).
        """
        blocks = pieces(seat, weights, device, dtype)
        weights.fill_outside(device, unneeded(seat, tied=weights.module.shape.tied))
        super().__init__(weights.module, num_pages, dtype, blocks, narrowed(seat, weights.module.shape))
        self._seat, self._copies = seat, list[Copy]()

    def copy(self, copies: Sequence[Copy]) -> None:
        """See `Reader`: it is done as the next step begins, everywhere."""
        self._copies += copies

    def read(self, stretches: Sequence[Stretch]) -> Any:
        """See `Reader`; of who leads.

        Raises:
            RuntimeError: another process has ended.
        """
        self._seat.told_by_leader(packed(self._copies, stretches))
        copies, self._copies = self._copies, []
        return self._step(copies, stretches)

    def places(self) -> dict[str, Place]:
        """See `Adapts`. Raises ValueError: those that follow are told of no adapters."""
        raise ValueError("a decoder that several processes read takes no adapters; ask it in one process")

    def end(self) -> None:
        """Have those that follow go."""
        self._seat.told_by_leader([])

    def follow(self) -> None:
        """Do this process's part of each step until who leads ends.

        Raises:
            RuntimeError: another process has ended.
        """
        while told := self._seat.told_by_leader(None):
            self._step(*unpacked(told))

    def _step(self, copies: Sequence[Copy], stretches: Sequence[Stretch]) -> Any:
        """Return logits [A, V] to who leads, None to others."""
        import torch

        seat = self._seat
        super().copy(copies)
        sending: list[Any] = []
        logits: list[Any] = []
        with torch.inference_mode():
            parts = [self._laid_out(part) for part in _parts(stretches, seat.num_stages)]
            for passing in parts:
                x = self._passed(self._entered(passing), passing, Added(len(passing.positions_N)))
                if not seat.is_last:
                    sending.append(seat.send(x, seat.stage + 1))
                elif seat.part == 0 and passing.asked:
                    logits.append(self._left(x, passing))
                    sending += [] if seat.is_first else [seat.send(logits[-1], 0)]
            if seat.leads and not seat.is_last:
                sizes = [(len(passing.asked), self._module.shape.vocab_size) for passing in parts if passing.asked]
                logits = [seat.receive(torch.empty(size, device=self._device), seat.num_stages - 1) for size in sizes]
            seat.sent(sending)
            if seat.leads:
                return torch.cat(logits) if logits else torch.empty(0, self._module.shape.vocab_size, device=self._device)

    def _entered(self, passing: Passing) -> Any:
        import torch

        if self._seat.is_first:
            return super()._entered(passing)
        room = torch.empty(1, len(passing.positions_N), self._module.shape.width, dtype=self._dtype, device=self._device)
        return self._seat.receive(room, self._seat.stage - 1)

    def _added(self, group: Group) -> Any:
        added = super()._added(group)
        return added if added.shape[1] == 1 else added.chunk(self._seat.num_parts, 1)[self._seat.part]

    def _rule(self) -> "Rule | None":
        rule = super()._rule()
        if rule is None or rule.slopes_H is None:
            return rule
        return rule._replace(slopes_H=rule.slopes_H.chunk(self._seat.num_parts)[self._seat.part])


def _parts(stretches: Sequence[Stretch], count: int) -> Iterator[Sequence[Stretch]]:
    """Yield stretches in at most so many parts, of as many each as can be."""
    count = min(count, len(stretches))
    for place in range(count):
        yield stretches[len(stretches) * place // count : len(stretches) * (place + 1) // count]


def packed(copies: Sequence[Copy], stretches: Sequence[Stretch]) -> list[int]:
    """Return a step as whole numbers: how many of each, then copies, then of each stretch its sizes and what it holds."""
    found = [len(copies), len(stretches), *(number for each in copies for number in each)]
    for each in stretches:
        found += [len(each.tokens), len(each.table), each.position, each.asked.start, each.asked.stop, *each.tokens, *each.table]
    return found


def unpacked(numbers: Sequence[int]) -> tuple[list[Copy], list[Stretch]]:
    """Return what `packed` made numbers of; nobody who follows asks for the numbers of sequences."""
    left = iter(numbers)

    def some(count: int) -> list[int]:
        return [next(left) for _ in range(count)]

    num_copies, num_stretches = some(2)
    copies = [Copy(*some(2)) for _ in range(num_copies)]
    stretches: list[Stretch] = []
    for _ in range(num_stretches):
        num_tokens, num_pages, position, start, stop = some(5)
        stretches.append(Stretch(some(num_tokens), position, some(num_pages), range(start, stop)))
    return copies, stretches
