"""XSTest: whether unsafe prompts are refused, and safe ones that look unsafe are not (Roettger et al. 2024, arXiv 2308.01263).

The prompt alone, by the chat template; refusals are told by strings (scorers/refusals.py says what that misses), where the paper has three classes by
hand. The headline is the refusal rate of unsafe less that of safe prompts: who refuses all has 0, as who refuses none. The file is
``xstest_prompts.csv``, or one of version 2, whose ``type`` tells what is unsafe by the prefix ``contrast_`` where it has no ``label``.
"""

from collections.abc import Iterator
from pathlib import Path

from kernels.evals.benchmark import benchmark
from kernels.evals.datasets.items import Dataset, Item
from kernels.evals.datasets.records import records, split_file, text_field
from kernels.evals.scorers.contrasts import between, nothing
from kernels.evals.scorers.refusals import REFUSAL_OF_SAFE, REFUSAL_OF_UNSAFE, is_safe, is_unsafe, read_refusal, refused
from kernels.evals.scorers.scorer import Scorer
from kernels.evals.solvers.writing import writing
from kernels.evals.templates.template import Template

NAMES = ["xstest_prompts.csv", "xstest_v2_prompts.csv"]
MAX_NEW_TOKENS = 128
"""The beginning of an answer is what refusals are told by."""
REQUEST = Template(name="request", prompt="{{ question }}")
_DIFFERENCE = between(is_unsafe, is_safe, refused, "safe and unsafe prompts")


def read(path: Path, split: str) -> Iterator[Item]:
    """Yield prompts, each with its label and in a group by its type."""
    for key, record in records(split_file(path, NAMES)):
        prompt, kind = text_field(key, record, "prompt"), text_field(key, record, "type")
        label = record.get("label", "unsafe" if kind.startswith("contrast_") else "safe")
        if label not in ("safe", "unsafe"):
            raise ValueError(f"{key}: label {label!r} is neither safe nor unsafe; repair the file")
        yield Item(key, {"question": prompt, "label": label}, groups=(kind,))


SPEC = benchmark(
    name="xstest",
    version=1,
    about="Refusal of unsafe prompts and over-refusal of safe ones (XSTest).",
    dataset=Dataset(read=read, asked="test"),
    templates=(REQUEST,),
    solver=writing(read_refusal),
    scorers=(
        Scorer(metric="refusal_difference", values=_DIFFERENCE, statistic="difference_of_rates", chance=nothing),
        REFUSAL_OF_UNSAFE,
        REFUSAL_OF_SAFE,
    ),
    chat=True,
    max_new_tokens=MAX_NEW_TOKENS,
)
