"""OpenBookQA: elementary science facts applied, without the book (Mihaylov et al. 2018, arXiv 1809.02789).

The prompt is the bare question, which the options continue (lm-evaluation-harness, lm_eval/tasks/openbookqa/openbookqa.yaml). The
normalized accuracy comes first: it is the one the SmolLM2 evaluation reports (github.com/huggingface/smollm, text/evaluation/tasks.py).
"""

from collections.abc import Iterator
from pathlib import Path

from kernels.evals.benchmark import benchmark
from kernels.evals.datasets.items import Dataset, Item
from kernels.evals.datasets.lettered import is_lettered, lettered_item
from kernels.evals.datasets.records import records, split_file
from kernels.evals.datasets.stems import stem_item
from kernels.evals.scorers.choices import ACCURACY, ACCURACY_NORMALIZED, ACCURACY_PER_BYTE
from kernels.evals.solvers.choice import CHOICE
from kernels.evals.templates.template import Template
from kernels.specs.sources import Reject


def read(path: Path, split: str) -> Iterator[Item | Reject]:
    """Yield questions with four options."""
    for key, record in records(split_file(path, [f"{split}.jsonl", f"Main/{split}.jsonl", f"Data/Main/{split}.jsonl"])):
        yield lettered_item(key, record) if is_lettered(record) else stem_item(key, record)


SPEC = benchmark(
    name="openbookqa",
    version=5,
    texts_version=4,
    about="Elementary science, four options (OpenBookQA).",
    dataset=Dataset(read=read, asked="test", shots="train"),
    templates=(Template(name="harness", prompt="{{ question }}", premise="Answer:"),),
    solver=CHOICE,
    scorers=(ACCURACY_NORMALIZED, ACCURACY, ACCURACY_PER_BYTE),
)
