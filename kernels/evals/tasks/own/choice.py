"""Multiple choice of one's own: a file of records, a template, and which fields hold options and label."""

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from kernels.evals.benchmark import run_benchmark
from kernels.evals.datasets.items import Item
from kernels.evals.datasets.own import dataset_of, label_of, record_texts, texts_of, value_of
from kernels.evals.datasets.records import Record
from kernels.evals.scorers.choices import ACCURACY, ACCURACY_NORMALIZED, ACCURACY_PER_BYTE, CONFIDENCE
from kernels.evals.solvers.choice import CHOICE, ChoiceConfig
from kernels.evals.templates.template import Template
from kernels.specs.needs import DataFile
from kernels.specs.tasks import EvalResult, Progress, Task, TaskTexts, unwatched

if TYPE_CHECKING:
    from kernels.inference.asked_models import AskedModel

SCORERS = (ACCURACY, ACCURACY_NORMALIZED, ACCURACY_PER_BYTE, *CONFIDENCE)


class OwnChoiceConfig(ChoiceConfig):
    """Multiple choice of one's own: records of any fields (JSONL, JSON, CSV, TSV or Parquet), which the template names."""

    options: str | tuple[str, ...] = "options"
    """The field that lists the options of a record, or the options of all records."""
    label: str = "label"
    """The field that says which option is right: its number from 0, its letter, or its text."""
    group: str | None = Field(default=None)
    """The field by which accuracies are told apart."""
    about: str | None = Field(default=None)
    """The field that records about one thing share, such as a passage: their interval is of things."""


OwnChoiceConfig.own_templates = {"question": Template(name="question", prompt="{{ question }}")}


def run(model: "AskedModel", data: Path | None, config: OwnChoiceConfig, progress: Progress = unwatched) -> EvalResult:
    """Return the accuracies on a file of records. Raises ValueError: see `run_benchmark`, and a record lacks a field."""

    def make(key: str, record: Record) -> Item:
        named = isinstance(config.options, str)
        options = texts_of(key, value_of(key, record, str(config.options)), str(config.options)) if named else tuple(config.options)
        expected = label_of(key, value_of(key, record, config.label), options)
        groups = () if config.group is None else (str(value_of(key, record, config.group)),)
        about = None if config.about is None else str(value_of(key, record, config.about))
        return Item(key, record, options, (expected,), groups=groups, about=about)

    return run_benchmark(model, data, config, dataset_of(make), CHOICE, SCORERS, progress)


SPEC = Task(
    name="own_choice",
    version=1,
    config=OwnChoiceConfig,
    need=DataFile(),
    run=run,
    attentions=CHOICE.attentions,
    texts=TaskTexts(version=1, read=record_texts),
    metrics=("accuracy", "accuracy_normalized", "accuracy_per_byte", "calibration_error", "brier", "accuracy/*", "accuracy_normalized/*"),
)
