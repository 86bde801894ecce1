"""Wikipedia: the articles of two dumps that gensim ships; Python's help topics as a dump for smoke runs."""

import bz2
import html
import re
from itertools import islice
from xml.sax.saxutils import escape

from assets.datasets.builder import SMOKE_TOPICS, Builder, EmbeddedDataset
from kernels.reading.parsing.wikitext.page import plain_text
from kernels.synthesis.python_library import topics

DUMP = "gensim/test/test_data/enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
BULGARIAN_DUMP = "gensim/test/test_data/bgwiki-latest-pages-articles-shortened.xml.bz2"


def _build(builder: Builder, num_files: int = 4) -> None:
    """The enwiki slice that gensim ships, in several dumps of like size."""
    dump = bz2.decompress(builder.read("gensim", DUMP)).decode()
    head, _, rest = dump.partition("  <page>")
    pages = [f"  <page>{page}" for page in rest.rpartition("</mediawiki>")[0].split("  <page>")]
    total, before = sum(map(len, pages)), 0
    groups: list[list[str]] = [[] for _ in range(num_files)]
    for page in pages:
        groups[before * num_files // total].append(page)
        before += len(page)
    for number, group in enumerate(groups):
        builder.write(f"enwiki-slice-{number}.xml.bz2", bz2.compress((head + "".join(group) + "</mediawiki>\n").encode()))


def bulgarian_paragraphs(builder: Builder, min_chars: int = 300) -> list[str]:
    """Return paragraphs of the Bulgarian Wikipedia, as gensim ships some of it (in UTF-16)."""
    dump = bz2.decompress(builder.read("gensim", BULGARIAN_DUMP)).decode("utf-16")
    texts = [plain_text(html.unescape(text), {"файл", "категория"}, (), "bg") for text in re.findall(r"<text[^>]*>(.*?)</text>", dump, re.DOTALL)]
    return [paragraph for text in texts for paragraph in text.split("\n") if len(paragraph) >= min_chars]


def _build_smoke(builder: Builder) -> None:
    """Python's help topics as a MediaWiki dump, with a redirect and a talk page."""
    articles = list(islice(topics(), *SMOKE_TOPICS["wikipedia"]))
    texts = [(title, 0, "", _wikitext(text)) for title, text in articles]
    texts.append(("loop", 0, '<redirect title="for"/>', "#REDIRECT [[for]]"))
    texts.append((f"Talk:{articles[0][0]}", 1, "", "Is this article long enough? ~~~~"))
    pages = "".join(
        f"  <page>\n    <title>{escape(title)}</title>\n    <ns>{namespace}</ns>\n    <id>{number}</id>\n    {redirect}"
        f"<revision><id>{number + 1000}</id><timestamp>2024-05-01T00:00:00Z</timestamp><model>wikitext</model><format>text/x-wiki</format>"
        f'<text xml:space="preserve">{escape(text)}</text></revision>\n  </page>\n'
        for number, (title, namespace, redirect, text) in enumerate(texts, start=1)
    )
    site = (
        "  <siteinfo><sitename>Topics</sitename><base>https://topics.example/wiki/Main</base><case>first-letter</case><namespaces>"
        '<namespace key="0"/><namespace key="1">Talk</namespace><namespace key="14">Category</namespace></namespaces></siteinfo>\n'
    )
    start = '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="en">\n'
    builder.write("topics.xml", f"{start}{site}{pages}</mediawiki>\n".encode())


def _wikitext(text: str) -> str:
    """Return a help topic (plain reStructuredText) as wikitext: headings, code, emphasis, links between statements, a category."""
    parts: list[str] = []
    for block in text.split("\n\n"):
        lines = block.strip("\n").split("\n")
        if len(lines) == 2 and lines[1] and set(lines[1]) <= set("*=-"):
            parts.append(f"== {lines[0]} ==" if parts else f"This article is about '''{lines[0]}'''.<ref>help</ref>")
        elif lines[0].startswith("   "):
            parts.append("<pre>\n" + "\n".join(lines) + "\n</pre>")
        else:
            prose = re.sub(r'"(\w+)" statement', r"[[\1|\1 statement]]", " ".join(line.strip() for line in lines))
            parts.append(re.sub(r"(?<!\S)\*(\w[^*\n]*)\*", r"''\1''", prose))
    return "{{Short description|Python topic}}\n" + "\n\n".join(parts) + "\n\n== See also ==\n* [[Python]]\n\n[[Category:Python]]"


SPEC = EmbeddedDataset(name="wikipedia", build=_build, build_smoke=_build_smoke)
