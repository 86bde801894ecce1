"""How well and how fast trained classifiers tell texts apart: encyclopedia from raw web text, and hate by HateCheck.

Run by ``make bench NAME=classifiers``. The peer is scikit-learn's logistic regression over hashed n-grams of the same kinds, on the same folds;
on HateCheck also the word lists and alt-profanity-check, which need no training. Every AUC is of texts of folds that were not trained on:
no template of HateCheck (Röttger et al. 2021, arXiv:2012.15606), no page and no encyclopedia article stands on both sides; in the row
"unseen functionality" no kind of case does. The encyclopedia's passages come with pip (BoolQ); web pages are real ones where ``../shared/data`` is
there, else news rendered as pages, menus and all. HateCheck and XSTest need that folder. One core, CPU seconds.
"""

import json
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kernels.curation.classifiers.hashed_ngrams import ClassifierConfig, train
from kernels.curation.classifiers.measures import auc
from tests.bench.planted import on_one_core
from tests.bench.texts import encyclopedia_and_web
from tests.locations import SHARED_DATA

SHARED = SHARED_DATA
NUM_FOLDS = 5
PIECE_CHARS = 500
MAX_CHARS = 400
CONFIG = ClassifierConfig(seed=1, max_chars=MAX_CHARS, epochs=5, learning_rate=0.3)

Scorer = Callable[[pl.Series], NDArray[np.float64]]


class Measured(NamedTuple):
    """A classifier on one task: scores of all texts by the folds that had not seen them, and what one fold's training and all scoring took."""

    scores: NDArray[np.float64]
    train_seconds: float
    megabytes_per_second: float


def ours(examples: pl.DataFrame) -> Scorer:
    """Train ours."""
    return train(examples, CONFIG)[0].scores


def peer(examples: pl.DataFrame) -> Scorer:
    """Train scikit-learn's on n-grams of the same kinds."""
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.linear_model import SGDClassifier
    from sklearn.pipeline import make_pipeline, make_union

    words = HashingVectorizer(ngram_range=(1, 2), n_features=2**20, token_pattern=r"\S+")
    characters = HashingVectorizer(analyzer="char", ngram_range=(3, 5), n_features=2**20)
    model: Any = make_pipeline(make_union(words, characters), SGDClassifier(loss="log_loss", alpha=1e-6, max_iter=5, tol=None, random_state=1))
    model.fit(examples["text"].str.slice(0, MAX_CHARS).to_list(), examples["label"].to_numpy())
    return lambda texts: model.predict_proba(texts.str.slice(0, MAX_CHARS).to_list())[:, 1]


def cross_validated(examples: pl.DataFrame, fit: Callable[[pl.DataFrame], Scorer]) -> Measured:
    """Score each fifth of the groups by a classifier trained on the others."""
    group = examples["group"].rank("dense").to_numpy() - 1
    fold = (np.random.default_rng(1).permutation(int(group.max()) + 1) % NUM_FOLDS)[group]
    scores = np.zeros(len(examples))
    fit(examples)  # compiles
    seconds = [0.0, 0.0]
    for number in range(NUM_FOLDS):
        started = time.process_time()
        scorer = fit(examples.filter(fold != number))
        trained = time.process_time()
        scores[fold == number] = scorer(examples["text"].filter(fold == number))
        seconds = [seconds[0] + trained - started, seconds[1] + time.process_time() - trained]
    return Measured(scores, seconds[0] / NUM_FOLDS, examples["text"].str.slice(0, MAX_CHARS).str.len_bytes().sum() / 1e6 / seconds[1])


def hatecheck() -> pl.DataFrame:
    """Return HateCheck's cases; what was made from another case (misspelled, negated) is of that one's group."""
    cases = pl.read_csv(SHARED / "hatecheck" / "test_suite_cases.csv")
    return cases.select(
        text="test_case", label=pl.col("label_gold") == "hateful", group=pl.coalesce("ref_templ_id", "templ_id"), functionality="functionality"
    )


def quality() -> pl.DataFrame:
    """Return passages of the encyclopedia and pieces of web pages as they stand, menus and all: text, label, group."""
    import lxml.html

    passages, pages = encyclopedia_and_web()
    rows = [(passage, True, article) for article, passage in passages]
    for name, html in pages:
        page: Any = lxml.html.fromstring(html.encode(), parser=lxml.html.HTMLParser(encoding="utf-8"))
        text = " ".join(" ".join(page.xpath("//body//text()[not(ancestor::script or ancestor::style or ancestor::noscript)]")).split())
        rows += [(text[start : start + PIECE_CHARS], False, name) for start in range(0, len(text), PIECE_CHARS)]
    table = pl.DataFrame(rows, schema={"text": pl.String, "label": pl.Boolean, "group": pl.String}, orient="row")
    # BoolQ names the article before a double hyphen: the classifier must not learn that.
    return table.with_columns(pl.col("text").str.replace(r"^.{0,200}?--\s*", "")).unique("text", maintain_order=True)


def lexicon(texts: pl.Series) -> NDArray[np.float64]:
    """Return the share of listed words."""
    from kernels.curation.filtering.batch import TextBatch
    from kernels.curation.filters.toxicity_lexicon import ToxicityLexiconConfig, apply

    return apply(TextBatch(texts), ToxicityLexiconConfig(languages=("en",), max_share=0.0, action="tag")).tags["toxic_share"].to_numpy()


def measure() -> dict[str, Any]:
    """Run all and return the rows of the tables."""
    web = quality()
    both = [cross_validated(web, fit) for fit in (ours, peer)]
    rows = [(name, auc(each.scores, web["label"].to_numpy()), *each[1:]) for name, each in zip(("modelmill", "scikit-learn"), both, strict=True)]
    tables: dict[str, Any] = {"quality": {"num": len(web), "positive": web["label"].sum(), "rows": rows}}
    return tables | (measure_hate() if SHARED.is_dir() else {})


def measure_hate() -> dict[str, Any]:
    """Return the rows of HateCheck and XSTest."""
    from profanity_check import predict_prob

    hate = hatecheck()
    labels: NDArray[np.bool_] = hate["label"].to_numpy()
    by_template, peer_template = cross_validated(hate, ours), cross_validated(hate, peer)
    kinds = cross_validated(hate.with_columns(group="functionality"), ours)
    texts = hate["text"]
    rows = [
        ("modelmill, unseen template", auc(by_template.scores, labels), *by_template[1:]),
        ("scikit-learn, unseen template", auc(peer_template.scores, labels), *peer_template[1:]),
        ("modelmill, unseen functionality", auc(kinds.scores, labels), *kinds[1:]),
        ("modelmill's word lists", auc(lexicon(texts), labels), 0.0, 0.0),
        ("alt-profanity-check", auc(np.asarray(predict_prob(texts.to_list())), labels), 0.0, 0.0),
    ]
    right = (by_template.scores > 0.5) == labels
    by_kind = hate.with_columns(right=right).group_by("functionality", maintain_order=True).agg(
        pl.len().alias("cases"), pl.col("label").first().alias("hateful"), pl.col("right").mean()
    ).rows()  # fmt: skip
    safe = pl.read_csv(SHARED / "xstest" / "xstest_prompts.csv").filter(pl.col("label") == "safe")
    return {
        "hatecheck": {"num": len(hate), "positive": int(labels.sum()), "rows": rows},
        "functionality": by_kind,
        "xstest": [len(safe), float((ours(hate)(safe["prompt"]) > 0.5).mean()), float((lexicon(safe["prompt"]) > 0).mean())],
    }


def print_hate(tables: dict[str, Any]) -> None:
    """Print the tables of HateCheck and XSTest."""
    print(f"{'HateCheck functionality, unseen templates':44}{'cases':>6} {'label':12}{'right':>6}")
    for name, cases, is_hateful, right in tables["functionality"]:
        print(f"{name:44}{cases:>6} {'hateful' if is_hateful else 'not hateful':12}{right:>6.2f}")
    count, flagged, listed = tables["xstest"]
    print(f"XSTest's {count} safe prompts flagged: {flagged:.1%} by the classifier trained on HateCheck, {listed:.1%} by the word lists")


def main() -> None:
    """Print the tables."""
    tables, peak = on_one_core(measure)
    for task in sorted({"quality", "hatecheck"} & set(tables)):
        print(f"{task}: {tables[task]['num']} texts, {tables[task]['positive']} positive, {NUM_FOLDS} folds by group")
        print(f"{'':34}{'AUC':>7}{'train s':>9}{'MB/s':>8}")
        for name, area, seconds, speed in tables[task]["rows"]:
            print(f"{name:34}{area:>7.3f}" + (f"{seconds:>9.2f}{speed:>8.2f}" if speed else ""))
    (_, area, seconds, speed), (_, peer_area, peer_seconds, peer_speed) = tables["quality"]["rows"]
    figures = {
        "name": "classifiers", "ours": round(speed, 2), "peer": round(peer_speed, 2), "ratio": round(speed / peer_speed, 1),
        "unit": "MB per CPU second", "train_ratio": round(peer_seconds / seconds, 1), "quality_auc": round(area, 3),
        "peer_quality_auc": round(peer_area, 3), "peak_mb": round(peak),
    }  # fmt: skip
    if "hatecheck" in tables:
        print_hate(tables)
        (_, hate_area, _, _), (_, peer_hate_area, _, _) = tables["hatecheck"]["rows"][:2]
        figures |= {"hatecheck_auc": round(hate_area, 3), "peer_hatecheck_auc": round(peer_hate_area, 3)}
    else:
        print(f"HateCheck and XSTest are left out: no {SHARED}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
