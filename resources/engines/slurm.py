"""datatrove's Slurm executor as the engine submits it: in a module of its own, since the job's processes load it by name."""

from datatrove.executor.slurm import SlurmPipelineExecutor


class ArrayOfJobs(SlurmPipelineExecutor):
    """One array of jobs, without datatrove's job that merges statistics: that one waits in the queue for ever where a task failed."""

    def launch_merge_stats(self) -> None:
        """Launch nothing."""
