"""OpenBookQA: elementary science facts applied, without the book (Mihaylov et al. 2018, arXiv 1809.02789).

The prompt is the bare question, which the options continue (lm-evaluation-harness, lm_eval/tasks/openbookqa/openbookqa.yaml). The
normalized accuracy comes first: it is the one the SmolLM2 evaluation reports (github.com/huggingface/smollm, text/evaluation/tasks.py).
"""

from kernels.evals.benchmark import benchmark
from kernels.evals.datasets.items import Dataset
from kernels.evals.datasets.stems import questions_in
from kernels.evals.scorers.choices import ACCURACY, ACCURACY_NORMALIZED, ACCURACY_PER_BYTE
from kernels.evals.solvers.choice import CHOICE
from kernels.evals.templates.template import Template

SPEC = benchmark(
    name="openbookqa",
    version=5,
    texts_version=4,
    about="Elementary science, four options (OpenBookQA).",
    dataset=Dataset(read=questions_in("{split}.jsonl", "Main/{split}.jsonl", "Data/Main/{split}.jsonl"), asked="test", shots="train"),
    templates=(Template(name="harness", prompt="{{ question }}", premise="Answer:"),),
    solver=CHOICE,
    scorers=(ACCURACY_NORMALIZED, ACCURACY, ACCURACY_PER_BYTE),
)
