"""What libraries that wrap a model are told of a training, and what they wrap: for all that are not this trainer."""

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from kernels.training.parallel.team import Team

READ_BY_THEM = ("ACCELERATE_", "FSDP_", "PARALLELISM_CONFIG_", "PMI_", "OMPI_", "MV2_", "MPI_", "RANK", "WORLD_SIZE", "LOCAL_", "MASTER_")
"""How variables begin that they take choices from."""


@contextmanager
def told_of(team: Team) -> Generator[None]:
    """Have the variables that libraries read tell of a team, and be afterwards what they were. A process sees its own device alone, the first."""
    import torch

    before = dict(os.environ)
    for name in before:
        if name.startswith(READ_BY_THEM):
            del os.environ[name]
    os.environ["OMP_NUM_THREADS"] = str(torch.get_num_threads())  # else accelerate sets another number
    if not team.is_alone:
        count = str(team.layout.processes)
        os.environ |= {"RANK": str(team.rank.number), "WORLD_SIZE": count, "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": count}
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


def passage(module: Any) -> Any:
    """Return a module that has the parameters of another and whose forward pass is a call of whatever uses them."""
    import torch

    class Passage(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.module = module

        def forward(self, call: Callable[[], Any]) -> Any:
            return call()

    return Passage()
