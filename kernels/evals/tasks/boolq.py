"""BoolQ: yes or no questions about a passage (Clark et al. 2019, arXiv 1905.10044).

Prompt, options and the one metric are those of lm-evaluation-harness (lm_eval/tasks/super_glue/boolq/default.yaml): passage, question,
``Answer:``, then `` no`` or `` yes``; normalizing by length would only favour the longer word.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from kernels.evals.multiple_choice import Item, MultipleChoiceConfig, item_texts, read_field, read_rows, run_multiple_choice
from kernels.specs.needs import DataFile
from kernels.specs.tasks import EvalResult, ItemTexts, Task, TaskTexts

if TYPE_CHECKING:
    from kernels.inference.asked_models import AskedModel

_LABELS = ("False", "True")
_OPTIONS = ("no", "yes")


class BoolqConfig(MultipleChoiceConfig):
    """Reading comprehension, yes or no."""


def run(model: "AskedModel", data: Path | None, config: BoolqConfig) -> EvalResult:
    """Return the accuracy on a JSONL file of passage, question and answer.

    Raises:
        ValueError: an answer is neither ``True`` nor ``False``.
    """
    items: list[Item] = []
    for key, row in read_rows(data):
        passage, question, answer = (read_field(key, row, name) for name in ("passage", "question", "answer"))
        if answer not in _LABELS:
            raise ValueError(f"{key}: answer {answer!r} is neither True nor False; repair the file")
        items.append(Item(key, f"{passage}\nQuestion: {question}?\nAnswer:", _OPTIONS, _LABELS.index(answer), about=passage))
    scores, frame = run_multiple_choice(model, items, [], config)
    kept = [score for score in scores if score.metric == "accuracy"]
    return EvalResult(kept, frame.drop([column for column in frame.columns if column.endswith(("_normalized", "_per_byte"))]))


def texts(path: Path) -> Iterator[ItemTexts]:
    """Yield of every record the passage with the question, the question, and the question with either answer."""
    for key, row in read_rows(path):
        passage, question = read_field(key, row, "passage"), read_field(key, row, "question")
        asked = item_texts(question, _OPTIONS)
        yield ItemTexts((f"{passage}\n{question}", *asked.parts), asked.wholes)


SPEC = Task(name="boolq", version=5, config=BoolqConfig, need=DataFile(), run=run, texts=TaskTexts(version=3, read=texts), metrics=("accuracy",))
