"""Articles of a MediaWiki XML dump as plain text with Markdown headings and lists.

Input: the export format of https://www.mediawiki.org/wiki/Help:Export, plain or compressed. Read page by page in bounded memory. The
wikitext is stripped by matching brackets from the inside out, which costs a small part of a full parse: templates,
tables, references, files and categories go, links leave their label, formulas stay as LaTeX between dollar signs.
"""

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote
from xml.etree import ElementTree

from pydantic import PositiveInt

from kernels.reading.parsing.keys import SeenKeys
from kernels.reading.parsing.markup.wikitext import plain_text
from kernels.reading.parsing.markup.xml_stream import XmlError, xml_records
from kernels.reading.parsing.text import DamagedFileError, decompressed
from kernels.specs.config import Config
from kernels.specs.sources import Document, Reject, SourceFile, SourceFormat

_SAFE = "/:@!$*(),;'~"


class WikipediaConfig(Config):
    """What of an article is kept."""

    drop_sections: tuple[str, ...]
    """Titles, in the dump's language, of sections that are left out with all they hold, such as "References" or "See also"."""
    max_bytes: PositiveInt = 1 << 22
    """A larger page ends the reading. MediaWiki stores no page above 2 MiB of wikitext (its $wgMaxArticleSize) unless it is told to."""


class _Page(NamedTuple):
    id: str
    title: str
    namespace: str
    is_redirect: bool
    model: str
    timestamp: str
    text: str


class _Site:
    """What the head of the dump tells: the address of articles, and the names of the namespaces that links to are no text."""

    def __init__(self) -> None:
        self.base = ""
        self.hidden = {"file", "image", "media", "category"}

    def learn(self, siteinfo: ElementTree.Element) -> None:
        self.base = siteinfo.findtext("base", "").rpartition("/")[0]
        for namespace in siteinfo.iterfind("namespaces/namespace"):
            if namespace.get("key") in ("-2", "6", "14") and namespace.text:
                self.hidden.add(namespace.text.lower())

    def url(self, title: str) -> str | None:
        return f"{self.base}/{quote(title.replace(' ', '_'), safe=_SAFE)}" if self.base else None


def read(file: SourceFile, config: WikipediaConfig) -> Iterator[Document | Reject]:
    """Stream the pages of a dump, keyed by page id; a dump that breaks off gives what is whole and one reject."""
    site = _Site()
    last = "the start"
    try:
        with decompressed(file) as stream, SeenKeys() as keys:
            for element in xml_records(stream, config.max_bytes):
                if element.tag == "siteinfo":
                    site.learn(element)
                elif element.tag == "page":
                    page = _page(element)
                    last = f"page {page.id}"
                    yield _judge(page, site, config) if keys.add(page.id) else Reject(page.id, "duplicate_key", page.title)
    except DamagedFileError as error:
        yield Reject(f"after {last}", "truncated", str(error))
    except XmlError as error:
        yield Reject(f"after {last}", error.reason, error.detail)


def _page(element: ElementTree.Element) -> _Page:
    return _Page(
        id=element.findtext("id", ""),
        title=element.findtext("title", ""),
        namespace=element.findtext("ns", "0"),
        is_redirect=element.find("redirect") is not None,
        model=element.findtext("revision/model", "wikitext"),
        timestamp=element.findtext("revision/timestamp", ""),
        text=element.findtext("revision/text", ""),
    )


def _judge(page: _Page, site: _Site, config: WikipediaConfig) -> Document | Reject:
    if page.namespace != "0":
        return Reject(page.id, "namespace", f"{page.namespace}: {page.title}")
    if page.is_redirect:
        return Reject(page.id, "redirect", page.title)
    if page.model != "wikitext":
        return Reject(page.id, "not_wikitext", f"{page.model}: {page.title}")
    text = plain_text(page.text, site.hidden, config.drop_sections)
    if not text:
        return Reject(page.id, "no_text", page.title)
    return Document(page.id, text, page.title, site.url(page.title), {"page_id": page.id, "timestamp": page.timestamp})


SPEC = SourceFormat(
    name="wikipedia",
    version=2,
    config=WikipediaConfig,
    patterns=("*.xml", "*.xml.gz", "*.xml.bz2", "*.xml.zst", "*pages-articles*.bz2"),
    read=read,
)
