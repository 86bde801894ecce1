"""The bare loop of the benchmark ``overhead``: a method, called alone in a process that imports nothing else."""

import json
import sys
from pathlib import Path
from typing import Any

from kernels.methods.pretraining.pretrain import MIXTURE, TOKENIZER
from kernels.specs.families import expanded, specs
from kernels.specs.methods import MethodJob

JOB = "alone.json"
"""In a folder: a config of pretraining, and where mixture and tokenizer stand."""


def train_alone(folder: Path) -> None:
    """Train the model of a folder's job."""
    import torch

    torch.set_num_threads(1)
    told: dict[str, Any] = json.loads((folder / JOB).read_text())
    out, scratch = folder / "alone", folder / "alone_scratch"
    for made in (out, scratch):
        made.mkdir()
    method = specs("methods")["pretrain"]
    config, paths = expanded(method.config).model_validate(told["config"]), {MIXTURE: Path(told["mixture"]), TOKENIZER: Path(told["tokenizer"])}
    method.run(MethodJob(config=config, paths=paths, out=out, scratch=scratch, device="cpu", report=lambda numbers: None, say=print))


if __name__ == "__main__":
    train_alone(Path(sys.argv[1]))
