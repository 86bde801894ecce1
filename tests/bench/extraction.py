"""How well and how fast articles are told from their pages, by the article extraction benchmark's own measure; the peer is Trafilatura.

Run by ``make bench NAME=extraction``. Precision and recall are of 4-grams of words, averaged over pages
(https://github.com/scrapinghub/article-extraction-benchmark); the interval of the difference in F1 is a bootstrap over pages. The data are the half
of the benchmark in ``../shared/data``: the judges' weights and their threshold were chosen on it, by hand. Tables are left out. One core.
"""

import gzip
import json
import random
import re
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from kernels.reading.formats.web import WebConfig, extract_article
from tests.bench.planted import on_one_core
from tests.locations import SHARED_DATA

FOLDER = SHARED_DATA / "article-extraction-benchmark"
REPEATS = 3
SAMPLES = 2000
_WORD = re.compile(r"\w+")


class Measured(NamedTuple):
    """One extractor: precision and recall of each page, seconds of all, and the texts."""

    scores: list[tuple[float, float]]
    seconds: float


def trafilatura_text(html: str, **settings: Any) -> str:
    """Return what Trafilatura takes for the article."""
    from trafilatura import extract

    return extract(html, include_tables=False, include_comments=False, **settings) or ""


def measure(extractor: Callable[[str], str], pages: list[tuple[str, str]]) -> Measured:
    """Run an extractor over pages (html, true text), a few times for the clock."""
    seconds: list[float] = []
    texts: list[str] = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        texts = [extractor(html) for html, _ in pages]
        seconds.append(time.perf_counter() - started)
    return Measured([score(truth, text) for (_, truth), text in zip(pages, texts, strict=True)], min(seconds))


def score(truth: str, text: str) -> tuple[float, float]:
    """Return precision and recall of one page's 4-grams."""
    true, found = shingles(truth), shingles(text)
    if true == found:
        return 1.0, 1.0
    num_right = (true & found).total()
    return num_right / found.total() if found else 0.0, num_right / true.total() if true else 0.0


def shingles(text: str, size: int = 4) -> Counter[tuple[str, ...]]:
    """Return the bag of word n-grams; a shorter text is one n-gram."""
    words = _WORD.findall(text)
    return Counter(tuple(words[start : start + size]) for start in range(max(1, len(words) - size + 1))) if words else Counter()


def averages(scores: list[tuple[float, float]]) -> tuple[float, float, float]:
    """Return precision, recall and F1 over pages."""
    precision, recall = (sum(values) / len(scores) for values in zip(*scores, strict=True))
    return precision, recall, 2 * precision * recall / (precision + recall)


def interval(ours: list[tuple[float, float]], peer: list[tuple[float, float]]) -> tuple[float, float]:
    """Return the central 95% of the difference in F1 over samples of pages."""
    dice = random.Random(1)
    differences: list[float] = []
    for _ in range(SAMPLES):
        sample = dice.choices(range(len(ours)), k=len(ours))
        differences.append(averages([ours[page] for page in sample])[2] - averages([peer[page] for page in sample])[2])
    differences.sort()
    return differences[SAMPLES // 40], differences[-SAMPLES // 40]


def run() -> tuple[list[tuple[str, Measured]], int, float, float]:
    """Return the extractors with what was measured, the number of pages, their megabytes, and the share that needed no second opinion."""
    truths = json.loads((FOLDER / "ground-truth.json").read_text("utf-8"))
    pages = [
        (gzip.decompress((FOLDER / "html" / f"{key}.html.gz").read_bytes()).decode("utf-8"), truths[key]["articleBody"]) for key in sorted(truths)
    ]
    fast, careful = (
        WebConfig.model_validate({"extractor": extractor, "favor": "balance", "include_tables": False, "max_bytes": 10_000_000})
        for extractor in ("fast", "careful")
    )
    extractors: dict[str, Callable[[str], str]] = {
        "modelmill, fast": lambda html: extract_article(html, fast)[0],
        "modelmill, careful": lambda html: extract_article(html, careful)[0],
        "trafilatura": trafilatura_text,
        "trafilatura, precision": lambda html: trafilatura_text(html, favor_precision=True),
        "trafilatura, recall": lambda html: trafilatura_text(html, favor_recall=True),
        "trafilatura, fast": lambda html: trafilatura_text(html, fast=True),
    }
    trafilatura_text(pages[0][0])
    rows = [(name, measure(extractor, pages)) for name, extractor in extractors.items()]
    alone = sum(extract_article(html, fast)[2] == "blocks" for html, _ in pages) / len(pages)
    return rows, len(pages), sum(len(html.encode()) for html, _ in pages) / 1e6, alone


def main() -> None:
    """Print the table."""
    (rows, num_pages, size_mb, alone), peak = on_one_core(run)
    print(f"{num_pages} pages, {size_mb:.1f} MB of HTML; the fast extractor decides {alone:.0%} of them without Trafilatura")
    print(f"{'':26}{'precision':>10}{'recall':>8}{'F1':>8}{'pages/s':>9}{'MB/s':>7}")
    for name, (scores, seconds) in rows:
        precision, recall, f1 = averages(scores)
        print(f"{name:26}{precision:>10.4f}{recall:>8.4f}{f1:>8.4f}{num_pages / seconds:>9.1f}{size_mb / seconds:>7.2f}")
    by_name = dict(rows)
    ours, peer = by_name["modelmill, fast"], by_name["trafilatura"]
    low, high = interval(ours.scores, peer.scores)
    print(f"F1 of the fast extractor less that of Trafilatura: 95% of samples between {low:+.4f} and {high:+.4f}")
    figures = {
        "name": "extraction", "ours": round(size_mb / ours.seconds, 2), "peer": round(size_mb / peer.seconds, 2),
        "ratio": round(peer.seconds / ours.seconds, 2), "unit": "MB/s", "f1": round(averages(ours.scores)[2], 4),
        "peer_f1": round(averages(peer.scores)[2], 4), "peak_mb": round(peak),
    }  # fmt: skip
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
