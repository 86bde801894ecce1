"""The self-test of processes that train together, as a job: whether they can talk, whether what they say is right, and how fast."""

from collections.abc import Sequence
from typing import Any

from kernels.specs.layout import Layout, Rank
from resources.devices.jobs import Job, Reporter, Request


class CollectivesRequest(Request):
    """All collective operations, at some sizes."""

    num_processes: int
    sizes: Sequence[int]
    """Of messages, in bytes."""

    def fulfil(self, job: Job, report: Reporter) -> dict[str, Any]:
        """Run the operations as one of the processes; return a `kernels.training.parallel.collectives.Report` as JSON holds it."""
        from kernels.training.parallel.collectives import measure
        from kernels.training.parallel.team import join

        team = join(Rank(Layout(processes=self.num_processes), job.rank, job.meeting), job.device)
        found = measure(team, job.device, self.sizes)
        team.leave()
        return {**found._asdict(), "measured": [each._asdict() for each in found.measured], "slow": found.slow}
