"""How well and how fast articles are told from their pages, by kinds of pages; the peers are Trafilatura and Resiliparse.

Run by ``make bench NAME=extraction``. Pages and measures: `tests.bench.extraction_pages`, `tests.bench.extraction_consensus`,
`tests.bench.extraction_scores`. F1 is of the quarter of each kind that nothing was chosen on; MB of HTML a CPU second are of all its pages, the best
of a few passes on one core, those pages included for which the fast extractor asks Trafilatura; the last line sums up the labelled kinds. Tables
count as text, comments do not.

What was tried on the other three quarters and did not pay: a name of boilerplate believed below .3 or .4 of the running text instead of .5 (news
loses .005); narrowing to a part named as the article at .9 of the weight instead of .8 (news loses .004); no weight for short blocks without links
(documentation loses .05, mixed pages .006); running text from 25 or 80 characters instead of 40 (many scripts lose .01, mixed pages .012); keeping
one of several long blocks with the same text (documentation loses .012, news .003); asking Trafilatura below an agreement of .95 instead of .8
(mixed pages gain .006 at an estimated 4.8 times its speed, news loses .0015); asking it where little of the page's text or few characters are kept,
or long blocks are left (mixed pages gain nothing, news in many scripts loses up to .02).

The mixed pages are judged twice, and the two do not agree on who is ahead. By labels, which are Trafilatura's own tests, that is Trafilatura on 14
pages, by one segment wanted and one not; by consensus (`tests.bench.extraction_consensus`) ours on 24, 10 of them the same pages: .974 against
.951, of which one page makes all but .004. Neither tells the two apart.
"""

import json
import time
from collections.abc import Callable
from typing import NamedTuple

from kernels.reading.formats.web import WebConfig, extract_article
from tests.bench.extraction_consensus import CONSENSUS, consensus_pages, judges
from tests.bench.extraction_pages import LabelledPage, is_tuned_on, labelled_pages
from tests.bench.extraction_scores import Score, average, difference_without_one, interval, score
from tests.bench.planted import on_one_core

REPEATS = 4
PEER, OURS = "trafilatura", "modelmill, fast"
FAST = WebConfig(extractor="fast", favor="balance", include_tables=True, max_bytes=10_000_000)
Extractor = Callable[[str], str]


class Measured(NamedTuple):
    """One extractor on one kind: scores of the quarter that is reported, and CPU seconds for all pages."""

    scores: list[Score]
    seconds: float


class Kind(NamedTuple):
    """One kind of pages: how many, how many of them are reported, for how many ours asks Trafilatura, their size, and what was measured."""

    num_pages: int
    num_reported: int
    num_asked: int
    size_mb: float
    measured: dict[str, Measured]


def extractors() -> dict[str, Extractor]:
    """Return what turns a page into text, by name; Resiliparse only where it is installed."""
    from trafilatura import extract

    careful = FAST.model_copy(update={"extractor": "careful"})
    found: dict[str, Extractor] = {
        OURS: lambda html: extract_article(html, FAST)[0],
        "modelmill, careful": lambda html: extract_article(html, careful)[0],
        PEER: lambda html: extract(html, include_tables=True, include_comments=False) or "",
    }
    try:
        from resiliparse.extract.html2text import extract_plain_text
    except ImportError:
        return found
    return {**found, "resiliparse": lambda html: extract_plain_text(html, main_content=True, alt_texts=False, links=False)}


def measure(found: dict[str, Extractor], pages: list[LabelledPage]) -> dict[str, Measured]:
    """Run extractors over pages, in turn and a few times, so that what else the machine does is felt by all."""
    seconds: dict[str, list[float]] = {name: [] for name in found}
    texts: dict[str, list[str]] = {}
    for _ in range(REPEATS):
        for name, extractor in found.items():
            started = time.process_time()
            texts[name] = [extractor(page.html) for page in pages]
            seconds[name].append(time.process_time() - started)
    return {
        name: Measured([score(page.truth, text) for page, text in zip(pages, texts[name], strict=True) if not is_tuned_on(page)], min(seconds[name]))
        for name in found
    }


def run() -> dict[str, Kind]:
    """Return what was measured, by kinds of pages."""
    kinds: dict[str, Kind] = {}
    for name, pages in {**labelled_pages(), CONSENSUS: consensus_pages()}.items():
        found = {key: extractor for key, extractor in extractors().items() if name != CONSENSUS or key not in judges()}
        for extractor in found.values():
            extractor(pages[0].html)
        size_mb = sum(len(page.html.encode()) for page in pages) / 1e6
        num_asked = sum(extract_article(page.html, FAST)[2] == PEER for page in pages)
        kinds[name] = Kind(len(pages), sum(not is_tuned_on(page) for page in pages), num_asked, size_mb, measure(found, pages))
    return kinds


def show(name: str, kind: Kind) -> dict[str, object]:
    """Print one kind and return its figures."""
    print(f"\n{name}: {kind.num_pages} pages, {kind.size_mb:.1f} MB of HTML; scores are of the {kind.num_reported} that nothing was chosen on")
    print(f"{OURS} asks {PEER} for {kind.num_asked} pages")
    print(f"{'':20}{'precision':>10}{'recall':>8}{'F1':>8}{'MB/s':>8}{'speed':>8}")
    ours, peer = kind.measured[OURS], kind.measured[PEER]
    for extractor, (scores, seconds) in kind.measured.items():
        precision, recall, f1 = average(scores)
        print(f"{extractor:20}{precision:>10.4f}{recall:>8.4f}{f1:>8.4f}{kind.size_mb / seconds:>8.1f}{peer.seconds / seconds:>7.1f}x")
    low, high = interval(ours.scores, peer.scores)
    print(f"F1 of {OURS} less that of {PEER}: 95% of samples between {low:+.4f} and {high:+.4f}")
    print(f"without the page on which they differ most: {difference_without_one(ours.scores, peer.scores):+.4f}")
    return {
        "asked": kind.num_asked,
        "f1": round(average(ours.scores).f1, 4), "peer_f1": round(average(peer.scores).f1, 4), "interval": [round(low, 4), round(high, 4)],
        "mb_s": round(kind.size_mb / ours.seconds, 1), "peer_mb_s": round(kind.size_mb / peer.seconds, 1),
    }  # fmt: skip


def main() -> None:
    """Print a table a kind."""
    kinds, peak = on_one_core(run)
    figures = {name: show(name, kind) for name, kind in kinds.items()}
    labelled = [kind for name, kind in kinds.items() if name != CONSENSUS]  # many pages of the other kind are among them
    size = sum(kind.size_mb for kind in labelled)
    ours, peer = (size / sum(kind.measured[name].seconds for kind in labelled) for name in (OURS, PEER))
    line = {"name": "extraction", "ours": round(ours, 2), "peer": round(peer, 2), "ratio": round(ours / peer, 2), "unit": "MB/s"}
    print(json.dumps({**line, "kinds": figures, "peak_mb": round(peak)}))


if __name__ == "__main__":
    main()
