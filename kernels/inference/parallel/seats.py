"""The processes that answer together, as one of them sees them, and how they talk.

Those that read one model differ in their stage of its blocks and in their part of each block; the first of them leads, and the others follow. Groups
of them that hold the model again are replicas. A process that ends takes its connections with it, so that whoever waits for it is told at once.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from kernels.specs.layout import Layout, Rank

MEETING = timedelta(minutes=2)
"""That processes wait for each other at the beginning."""
IDLE = timedelta(days=365)
"""That followers wait for the next step: who leads may be asked nothing for long."""
BACKENDS = {"cpu": "gloo", "cuda": "cpu:gloo,cuda:nccl"}
"""What carries numbers between processes, by device."""


class Seat:
    """One process among others; `meet` makes one."""

    def __init__(self, rank: Rank) -> None:
        """Take a seat; nobody is met yet.

        Raises:
            ValueError: the layout has what is of trainings alone (names it).
        """
        layout = rank.layout
        plain = Layout(processes=layout.processes, tensor=layout.tensor, pipeline=layout.pipeline)
        for key in Layout.model_fields:
            if getattr(layout, key) != getattr(plain, key):
                raise ValueError(f"{key}: {getattr(layout, key)} is of trainings; processes that answer take processes, tensor and pipeline alone")
        self._number, self._num = rank.number, layout.processes
        self.num_stages, self.num_replicas, self.num_parts = layout.pipeline, layout.num_copies, layout.tensor
        self.stage, left = divmod(rank.number, self.num_replicas * self.num_parts)
        self.replica, self.part = divmod(left, self.num_parts)
        self._of_all: Any = None
        self._of_model: Any = None
        """The group of those that read this model."""
        self._of_block: Any = None
        """Of those that compute the same blocks."""

    @property
    def leads(self) -> bool:
        """Whether this process asks the model, and the others that read it follow."""
        return self.stage == self.part == 0

    @property
    def is_first(self) -> bool:
        """Whether the first blocks are here."""
        return self.stage == 0

    @property
    def is_last(self) -> bool:
        """Whether the last blocks are here."""
        return self.stage == self.num_stages - 1

    def join_groups(self) -> None:
        """Make the groups of this process; those of the same groups must do so, too."""
        stages = [self._numbers(stage) for stage in range(self.num_stages)]
        self._of_all = self._group(range(self._num))
        self._of_model = self._group([number for numbers in stages for number in numbers])
        self._of_block = self._group(stages[self.stage])
        self._be_patient()

    def _be_patient(self) -> None:
        """Have followers wait for as long as they are asked nothing, now that all are there."""
        from torch.distributed import distributed_c10d

        dist: Any = distributed_c10d
        for group in (self._of_all, self._of_model, self._of_block):
            if group is not None:
                dist._set_pg_timeout(IDLE, group)

    def _numbers(self, stage: int) -> list[int]:
        """Return the numbers of the processes of a stage of this model."""
        first = (stage * self.num_replicas + self.replica) * self.num_parts
        return list(range(first, first + self.num_parts))

    @staticmethod
    def _group(numbers: Sequence[int]) -> Any:
        import torch.distributed

        dist: Any = torch.distributed
        return dist.new_group(numbers, timeout=MEETING, use_local_synchronization=True) if len(numbers) > 1 else None

    @contextmanager
    def _talking(self) -> Generator[None]:
        """Have whatever a connection dies of be told as what it is."""
        try:
            yield
        except RuntimeError as error:
            raise RuntimeError(
                f"process {self._number} of the {self._num} that answer together lost one that it waits for; see why that one ended: {error}"
            ) from error

    def told_by_leader(self, numbers: Sequence[int] | None) -> list[int]:
        """Return what the leader of this model says, to all that read it: whole numbers; followers give None."""
        import torch
        import torch.distributed

        dist: Any = torch.distributed
        if self._of_model is None:
            return list(numbers or ())
        with self._talking():
            count = torch.tensor([len(numbers or ())])
            dist.broadcast(count, group=self._of_model, group_src=0)
            told: Any = torch.tensor(list(numbers or [0] * int(count)), dtype=torch.int64)
            if len(told):
                dist.broadcast(told, group=self._of_model, group_src=0)
            found: list[int] = told.tolist()
            return found

    def summed(self, tensor: Any) -> Any:
        """Return the sum over those that compute parts of the same blocks, in place."""
        import torch.distributed

        dist: Any = torch.distributed
        if self._of_block is not None:
            with self._talking():
                dist.all_reduce(tensor, group=self._of_block)
        return tensor

    def send(self, tensor: Any, stage: int) -> Any:
        """Begin to send a tensor to who has this process's part of another stage; return what `sent` waits for."""
        import torch.distributed

        dist: Any = torch.distributed
        with self._talking():
            return dist.isend(tensor, group=self._of_model, group_dst=stage * self.num_parts + self.part)

    def sent(self, sending: Sequence[Any]) -> None:
        """Return when all that was sent has gone: until then it must not change."""
        with self._talking():
            for each in sending:
                each.wait()

    def receive(self, room: Any, stage: int) -> Any:
        """Return a tensor from who has this process's part of another stage."""
        import torch.distributed

        dist: Any = torch.distributed
        with self._talking():
            dist.recv(room, group=self._of_model, group_src=stage * self.num_parts + self.part)
        return room

    def told_by_each(self, text: bytes) -> list[bytes]:
        """Return what each of all processes has to say, in their order."""
        import torch
        import torch.distributed

        dist: Any = torch.distributed
        if self._num == 1:
            return [text]
        with self._talking():
            lengths = torch.empty(self._num, dtype=torch.int64)
            dist.all_gather_single(lengths, torch.tensor([len(text)]), group=self._of_all)
            longest = max(1, int(lengths.max()))
            words = torch.empty(self._num * longest, dtype=torch.uint8)
            dist.all_gather_single(words, torch.frombuffer(bytearray(text.ljust(longest)), dtype=torch.uint8), group=self._of_all)
        found = words.numpy().tobytes()
        return [found[place * longest :][: int(length)] for place, length in enumerate(lengths)]

    def leave(self) -> None:
        """End the talk with the others."""
        import torch.distributed

        dist: Any = torch.distributed
        if self._num > 1:
            dist.destroy_process_group()


def meet(rank: Rank, device: str) -> Seat:
    """Meet the other processes, and return this one's view of them; it returns when all are there.

    Raises:
        RuntimeError: one is not there within the time of a meeting.
        ValueError: see `Seat`.
    """
    import torch.distributed

    dist: Any = torch.distributed
    seat = Seat(rank)
    if rank.layout.processes > 1:
        kind, count = BACKENDS[torch.device(device).type], rank.layout.processes
        dist.init_process_group(kind, init_method=rank.meeting, rank=rank.number, world_size=count, timeout=MEETING)
        seat.join_groups()
    return seat
