"""An eval, a method with two parents and an architecture, each added by one file, and reached from a recipe."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.locations import PROJECT

pytestmark = pytest.mark.slow

ARCHITECTURE = '''
"""Qwen 2 as a Transformers configuration."""

from typing import Any

from pydantic import Field

from kernels.specs.architectures import Architecture
from kernels.specs.config import Config


class SmallQwenConfig(Config):
    """Shape of a decoder."""

    width: int = Field(gt=0)
    """Of everything."""


def build(config: SmallQwenConfig, *, vocab_size: int, eos_token_id: int, pad_token_id: int) -> Any:
    """Return the configuration."""
    from transformers import Qwen2Config

    shape = {"hidden_size": config.width, "intermediate_size": config.width, "num_hidden_layers": 1, "num_attention_heads": 2}
    special = {"vocab_size": vocab_size, "eos_token_id": eos_token_id, "pad_token_id": pad_token_id, "bos_token_id": None}
    return Qwen2Config(**shape, **special, num_key_value_heads=1, max_position_embeddings=64, tie_word_embeddings=True)


SPEC = Architecture(name="small_qwen", version=1, config=SmallQwenConfig, build=build)
'''

METHOD = '''
"""The weighted mean of two checkpoints' weights."""

from typing import Any

from pydantic import Field

from kernels.models.formats import checkpoints
from kernels.specs.config import Config
from kernels.specs.methods import CheckpointFinding, Method, MethodCheck, MethodJob
from kernels.specs.needs import Parent

FIRST, SECOND = Parent("first"), Parent("second")


class MeanConfig(Config):
    """Whose weights count for how much."""

    share: float = Field(ge=0, le=1)
    """Of the first."""


class MeanLimits(Config):
    """How many weights there must be."""

    min_parameters: int = 1
    """At least."""


def run(job: MethodJob) -> dict[str, float]:
    """Write the mean of the parents."""
    import torch

    first, second = (checkpoints.load(job.paths[need], job.device) for need in (FIRST, SECOND))
    share = job.config.share
    with torch.no_grad():
        for mine, other in zip(first.model.parameters(), second.model.parameters(), strict=True):
            mine.mul_(share).add_(other, alpha=1 - share)
    checkpoints.save(first.model, first.tokenizer, job.out)
    return {"num_parameters": float(sum(parameter.numel() for parameter in first.model.parameters()))}


def judge(folder: Any, summary: Any, limits: MeanLimits) -> CheckpointFinding:
    """Return whether there are enough weights."""
    number = float(summary["num_parameters"])
    found = f"{number:.0f} parameters (at least {limits.min_parameters})"
    return CheckpointFinding(number >= limits.min_parameters, found, {"num_parameters": number})


CHECK = MethodCheck(name="has_weights", description="There are weights.", version=1, blocking=True, limits=MeanLimits(), judge=judge)
SPEC = Method(name="mean", version=1, config=MeanConfig, needs=(FIRST, SECOND), run=run, checks=(CHECK,))
'''

TASK = '''
"""How many tokens a word takes."""

from pathlib import Path
from typing import Any

from kernels.specs.config import Config
from kernels.evals.statistics.measures import values_table
from kernels.specs.tasks import EvalResult, Progress, Score, Task


class TokensConfig(Config):
    """Which word."""

    word: str
    """The word."""


def run(model: Any, data: Path | None, config: TokensConfig, progress: Progress) -> EvalResult:
    """Return the number of its tokens."""
    import polars as pl

    number = float(len(model.tokenizer.encode(config.word)))
    score = Score("tokens", number, number, number, None, 1, higher_is_better=False)
    return EvalResult([score], pl.DataFrame({"item": [config.word]}), values_table([]))


SPEC = Task(name="tokens_of_a_word", version=1, config=TokensConfig, need=None, run=run)
'''

ADDED = {"models/architectures/small_qwen": ARCHITECTURE, "methods/pretraining/mean": METHOD, "evals/tasks/documents/tokens_of_a_word": TASK}


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the sources with three files more."""
    folder = tmp_path / "sources"
    for name in ("kernels", "assets", "resources", "pipelines"):
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".mill"))
    for name in ("workspace.yaml", "pyproject.toml"):
        shutil.copyfile(PROJECT / name, folder / name)
    for place, text in ADDED.items():
        (folder / "kernels" / f"{place}.py").write_text(text)
    return folder


def test_each_is_one_file_and_a_recipe_reaches_it(copied: Path, shop: Any) -> None:
    text = shop.recipe_file.read_text()
    start = text.index("    architecture:")
    model = text[text.index("  base:") :].replace(text[start : text.index("    num_steps")], "    architecture: {kind: small_qwen, width: 16}\n")
    model = model.replace("num_steps: 30", "num_steps: 4").replace("validate_every: 10", "validate_every: 4")
    other = model.replace("  base:", "  other:").replace("seed: 1", "seed: 2")
    more = "  mean: {method: mean, from: [base, other], share: 0.25, checks: {has_weights: {min_parameters: 100}}}\n"
    evals = "evals:\n  tokens: {task: tokens_of_a_word, word: river}\n"
    shop.recipe_file.write_text(text[: text.index("  base:")] + model + other + more + evals)
    command = [sys.executable, "-m", "pipelines.commands", "up", "--recipe", str(shop.recipe_file)]
    environment = {**os.environ, "PYTHONPATH": str(copied), "COLUMNS": "200"}
    done = subprocess.run(command, cwd=copied, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    lake = shop.lake
    assert json.loads((lake.folder(shop.cell("models/base")) / "config.json").read_text())["model_type"] == "qwen2"
    mean = lake.require(shop.cell("models/mean"))
    assert [parent.name for parent in mean.parents] == ["models/base", "models/other"]
    assert lake.verdicts(mean.cell)["has_weights"].description.endswith("(at least 100)")
    assert lake.require(shop.cell("evals/mean", "tokens")).metadata["tokens"] > 0
    board = lake.table(shop.cell("evals/leaderboard"), "scores").to_pylist()
    assert {(row["model"], row["eval"]) for row in board} == {("base", "tokens"), ("other", "tokens"), ("mean", "tokens")}
