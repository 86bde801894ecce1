"""PIQA: which of two ways reaches an everyday physical goal (Bisk et al. 2020, arXiv 1911.11641).

The prompt is that of lm-evaluation-harness (lm_eval/tasks/piqa/piqa.yaml): ``Question: goal``, newline, ``Answer:``.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from kernels.evals.multiple_choice import METRICS, MultipleChoiceConfig, read_item_texts, read_items, run_multiple_choice
from kernels.specs.needs import DataFile
from kernels.specs.tasks import EvalResult, Task, TaskTexts

if TYPE_CHECKING:
    from kernels.inference.asked_models import AskedModel


class PiqaConfig(MultipleChoiceConfig):
    """Physical commonsense, two options."""


def run(model: "AskedModel", data: Path | None, config: PiqaConfig) -> EvalResult:
    """Return the accuracies on a JSONL file of question, options and answer."""
    items, rejects = read_items(data, lambda question: f"Question: {question}\nAnswer:")
    return run_multiple_choice(model, items, rejects, config)


SPEC = Task(name="piqa", version=4, config=PiqaConfig, need=DataFile(), run=run, texts=TaskTexts(version=3, read=read_item_texts), metrics=METRICS)
