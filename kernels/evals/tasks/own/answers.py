"""Answers of one's own: a file of records, a template, which field holds the right answers, and the metrics that compare."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator

from kernels.evals.benchmark import run_benchmark
from kernels.evals.datasets.items import Item
from kernels.evals.datasets.own import dataset_of, record_texts, texts_of, value_of
from kernels.evals.datasets.records import Record
from kernels.evals.scorers.answers import BLEU, CHRF, EQUAL, EXACT_MATCH, F1, ROUGE_1, ROUGE_2, ROUGE_L
from kernels.evals.solvers.writing import WritingConfig, writing
from kernels.evals.templates.template import Template
from kernels.specs.needs import DataFile
from kernels.specs.tasks import EvalResult, Progress, Task, TaskTexts, unwatched

if TYPE_CHECKING:
    from kernels.inference.asked_models import AskedModel

METRICS = {
    "exact_match": EXACT_MATCH,
    "equal": EQUAL,
    "f1": F1,
    "bleu": BLEU,
    "chrf": CHRF,
    "rouge_1": ROUGE_1,
    "rouge_2": ROUGE_2,
    "rouge_l": ROUGE_L,
}
MetricName = Literal["exact_match", "equal", "f1", "bleu", "chrf", "rouge_1", "rouge_2", "rouge_l"]


class OwnAnswersConfig(WritingConfig):
    """Answers of one's own: records of any fields (JSONL, JSON, CSV, TSV or Parquet), which the template names."""

    metrics: tuple[MetricName, ...] = Field(min_length=1)
    """How answers are compared with the right ones, the headline first."""
    references: str = "answer"
    """The field that holds the right answer, or a list of them."""
    pattern: str | None = None
    """A regular expression whose first group, in its last match, is the answer; all that is written where none is given."""
    group: str | None = Field(default=None)
    """The field by which scores are told apart."""

    @field_validator("pattern")
    @classmethod
    def _has_a_group(cls, pattern: str | None) -> str | None:
        try:
            if pattern is not None and re.compile(pattern).groups < 1:
                raise ValueError(f"{pattern!r} has no group; put the answer in parentheses")
        except re.error as error:
            raise ValueError(f"{pattern!r} is no regular expression ({error})") from error
        return pattern


OwnAnswersConfig.own_templates = {"question": Template(name="question", prompt="{{ question }}")}


def run(model: "AskedModel", data: Path | None, config: OwnAnswersConfig, progress: Progress = unwatched) -> EvalResult:
    """Return the metrics on a file of records. Raises ValueError: see `run_benchmark`, and a record lacks a field."""

    def make(key: str, record: Record) -> Item:
        references = texts_of(key, value_of(key, record, config.references), config.references)
        groups = () if config.group is None else (str(value_of(key, record, config.group)),)
        return Item(key, record, references=references, groups=groups)

    def extract(text: str) -> str | None:
        if config.pattern is None:
            return text.strip()
        found = list(re.finditer(config.pattern, text))
        return found[-1][1] if found else None

    scorers = [METRICS[name] for name in config.metrics]
    return run_benchmark(model, data, config, dataset_of(make), writing(extract), scorers, progress)


SPEC = Task(
    name="own_answers",
    version=1,
    config=OwnAnswersConfig,
    need=DataFile(),
    run=run,
    asks_likelihoods=False,
    texts=TaskTexts(version=1, read=record_texts),
    metrics=(*(each.metric for each in METRICS.values()), "exact_match/*", "f1/*"),
)
