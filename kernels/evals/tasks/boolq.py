"""BoolQ: yes or no questions about a passage (Clark et al. 2019, arXiv 1905.10044).

Prompt, options and the one metric are those of lm-evaluation-harness (lm_eval/tasks/super_glue/boolq/default.yaml): passage, question,
``Answer:``, then `` no`` or `` yes``; normalizing by length would only favour the longer word.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from kernels.evals.multiple_choice import Item, MultipleChoiceConfig, read_field, read_rows, run_multiple_choice
from kernels.specs.needs import DataFile
from kernels.specs.tasks import EvalResult, Task, TaskTexts

if TYPE_CHECKING:
    from kernels.models.formats.checkpoints import LanguageModel

_LABELS = ("False", "True")


class BoolqConfig(MultipleChoiceConfig):
    """Reading comprehension, yes or no."""


def run(model: "LanguageModel", data: Path | None, config: BoolqConfig) -> EvalResult:
    """Return the accuracy on a JSONL file of passage, question and answer.

    Raises:
        ValueError: an answer is neither ``True`` nor ``False``.
    """
    items: list[Item] = []
    for key, row in read_rows(data):
        passage, question, answer = (read_field(key, row, name) for name in ("passage", "question", "answer"))
        if answer not in _LABELS:
            raise ValueError(f"{key}: answer {answer!r} is neither True nor False; repair the file")
        items.append(Item(key, f"{passage}\nQuestion: {question}?\nAnswer:", ("no", "yes"), _LABELS.index(answer)))
    scores, frame = run_multiple_choice(model, items, [], config)
    kept = [score for score in scores if score.metric == "accuracy"]
    return EvalResult(kept, frame.drop("answer_normalized", "correct_normalized"))


def texts(path: Path) -> Iterator[str]:
    """Yield the passage and the question of every record."""
    return (f"{read_field(key, row, 'passage')}\n{read_field(key, row, 'question')}" for key, row in read_rows(path))


SPEC = Task(
    name="boolq",
    version=1,
    config=BoolqConfig,
    need=DataFile(),
    run=run,
    texts=TaskTexts(version=1, read=texts),
    metrics=("accuracy",),
)
