"""PIQA: which of two ways reaches an everyday physical goal (Bisk et al. 2020, arXiv 1911.11641).

The prompt is that of lm-evaluation-harness (lm_eval/tasks/piqa/piqa.yaml): ``Question: goal``, newline, ``Answer:``. Official files are
``SPLIT.jsonl`` with ``SPLIT-labels.lst`` beside it.
"""

from collections.abc import Iterator
from pathlib import Path

from kernels.evals.benchmark import benchmark
from kernels.evals.datasets.items import Dataset, Item
from kernels.evals.datasets.labels import labels_beside
from kernels.evals.datasets.lettered import is_lettered, lettered_item
from kernels.evals.datasets.records import records, split_file, text_field
from kernels.evals.scorers.choices import ACCURACY, ACCURACY_NORMALIZED, ACCURACY_PER_BYTE
from kernels.evals.solvers.choice import CHOICE
from kernels.evals.templates.template import Template
from kernels.specs.sources import Reject


def read(path: Path, split: str) -> Iterator[Item | Reject]:
    """Yield goals with two solutions."""
    file = split_file(path, [f"{split}.jsonl"])
    labels: list[str] | None = None
    for number, (key, record) in enumerate(records(file)):
        if is_lettered(record):
            yield lettered_item(key, record)
            continue
        options = (text_field(key, record, "sol1"), text_field(key, record, "sol2"))
        if "label" not in record:
            labels = labels_beside(file, ("0", "1")) if labels is None else labels
        label = int(record["label"]) if labels is None else int(labels[number])
        yield Item(key, {"question": text_field(key, record, "goal")}, options, (label,))


SPEC = benchmark(
    name="piqa",
    version=5,
    texts_version=4,
    about="Physical commonsense, two options (PIQA).",
    dataset=Dataset(read=read, asked="valid", shots="train"),
    templates=(Template(name="harness", prompt="Question: {{ question }}\nAnswer:", premise="Answer:"),),
    solver=CHOICE,
    scorers=(ACCURACY, ACCURACY_NORMALIZED, ACCURACY_PER_BYTE),
)
