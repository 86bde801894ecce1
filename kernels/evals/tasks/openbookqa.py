"""OpenBookQA: elementary science facts applied, without the book (Mihaylov et al. 2018, arXiv 1809.02789).

The prompt is the bare question, which the options continue (lm-evaluation-harness, lm_eval/tasks/openbookqa/openbookqa.yaml). The
normalized accuracy comes first: it is the one the SmolLM2 evaluation reports (github.com/huggingface/smollm, text/evaluation/tasks.py).
"""

from pathlib import Path
from typing import TYPE_CHECKING

from kernels.evals.multiple_choice import METRICS, MultipleChoiceConfig, read_item_texts, read_items, run_multiple_choice
from kernels.specs.needs import DataFile
from kernels.specs.tasks import EvalResult, Task, TaskTexts

if TYPE_CHECKING:
    from kernels.inference.asked_models import AskedModel


class OpenBookQaConfig(MultipleChoiceConfig):
    """Elementary science, four options."""


def run(model: "AskedModel", data: Path | None, config: OpenBookQaConfig) -> EvalResult:
    """Return the accuracies, the normalized one first, on a JSONL file of question, options and answer."""
    items, rejects = read_items(data, lambda question: question)
    scores, frame = run_multiple_choice(model, items, rejects, config)
    return EvalResult(sorted(scores, key=lambda score: score.metric != "accuracy_normalized"), frame)


SPEC = Task(
    name="openbookqa",
    version=4,
    config=OpenBookQaConfig,
    need=DataFile(),
    run=run,
    texts=TaskTexts(version=3, read=read_item_texts),
    metrics=METRICS,
)
