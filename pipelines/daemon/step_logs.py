"""What steps of runs in this process write, put into files where Dagster's UI looks for it.

Dagster's own manager copies each step's output to the terminal too, by two more processes a stream (``tail -F`` and its watcher), which outlive a
killed run by minutes. Here a step costs none.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from dagster._core.execution.compute_logs import redirect_to_file
from dagster._core.storage.compute_log_manager import CapturedLogContext, ComputeIOType
from dagster._core.storage.local_compute_log_manager import IO_TYPE_EXTENSION, LocalComputeLogManager
from dagster._serdes import ConfigurableClassData


class StepLogs(LocalComputeLogManager):
    """Dagster's local manager without processes of its own."""

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        """Return the manager that an instance's configuration asks for."""
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def capture_logs(self, log_key: Sequence[str]) -> Iterator[CapturedLogContext]:
        """Have all that this process writes go into the files of a step."""
        out, err = (Path(self.get_captured_local_path(log_key, IO_TYPE_EXTENSION[kind])) for kind in (ComputeIOType.STDOUT, ComputeIOType.STDERR))
        out.parent.mkdir(parents=True, exist_ok=True)
        with redirect_to_file(sys.stdout, str(out)), redirect_to_file(sys.stderr, str(err)):
            yield CapturedLogContext(log_key)
        Path(self.complete_artifact_path(log_key)).touch()
