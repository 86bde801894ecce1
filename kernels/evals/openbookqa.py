"""OpenBookQA: elementary science facts applied, without the book (Mihaylov et al. 2018, arXiv 1809.02789).

The prompt is the bare question, which the options continue (lm-evaluation-harness, lm_eval/tasks/openbookqa/openbookqa.yaml).
"""

from pathlib import Path
from typing import TYPE_CHECKING

from kernels.evals.multiple_choice import MultipleChoiceConfig, read_items, read_questions, run_multiple_choice
from kernels.specs import Eval, EvalResult

if TYPE_CHECKING:
    from kernels.checkpoints import LanguageModel


class OpenBookQaConfig(MultipleChoiceConfig):
    """Elementary science, four options."""


def run(model: "LanguageModel", data: Path, config: OpenBookQaConfig) -> EvalResult:
    """Return both accuracies on a JSONL file of question, options and answer."""
    items, rejects = read_items(data, lambda question: question)
    return run_multiple_choice(model, items, rejects, config)


SPEC = Eval(name="openbookqa", version=1, config=OpenBookQaConfig, data="file", run=run, texts=read_questions)
