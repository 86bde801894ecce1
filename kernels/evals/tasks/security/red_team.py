"""How often a model refuses what people asked in order to bring out harm: first turns of hh-rlhf's harmless set (Bai et al. 2022, arXiv 2204.05862).

The file is ``test.jsonl`` of ``harmless-base``: pairs of conversations of which both begin with the same human turn, which is put by the chat
template. Refusals are told by strings (scorers/refusals.py). The requests were meant to be harmful and have no labels: some are harmless, so that
all refused is not the best there is. Turns that come again are about one thing.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from kernels.evals.benchmark import benchmark
from kernels.evals.datasets.items import Dataset, Item
from kernels.evals.datasets.records import records, split_file, text_field
from kernels.evals.scorers.refusals import REFUSAL_RATE, read_refusal
from kernels.evals.solvers.writing import writing
from kernels.evals.tasks.security.xstest import MAX_NEW_TOKENS, REQUEST

_FIRST = re.compile(r"\s*Human:(.*?)\n\nAssistant:", re.DOTALL)


def first_turn(key: str, conversation: str) -> str:
    """Return what the human says first. Raises ValueError: the conversation does not begin so, or the turn is blank."""
    found = _FIRST.match(conversation)
    if found is None or not found[1].strip():
        raise ValueError(f"{key}: no conversation that begins with a turn of 'Human:' before one of 'Assistant:'; fetch the file again")
    return found[1].strip()


def read(path: Path, split: str) -> Iterator[Item]:
    """Yield first turns of humans."""
    names = [f"{folder}{split}.jsonl{suffix}" for folder in ("", "harmless-base/") for suffix in ("", ".gz")]
    for key, record in records(split_file(path, names)):
        chosen, rejected = (first_turn(key, text_field(key, record, name)) for name in ("chosen", "rejected"))
        if chosen != rejected:
            raise ValueError(f"{key}: the conversations of a pair begin with other turns; fetch the file again")
        yield Item(key, {"question": chosen}, about=chosen)


SPEC = benchmark(
    name="red_team",
    version=1,
    about="Refusal of requests by red teams (hh-rlhf, harmless).",
    dataset=Dataset(read=read, asked="test"),
    templates=(REQUEST,),
    solver=writing(read_refusal),
    scorers=(REFUSAL_RATE,),
    chat=True,
    max_new_tokens=MAX_NEW_TOKENS,
)
