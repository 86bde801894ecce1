"""Articles of a MediaWiki XML dump as plain text with Markdown headings and lists.

Input: the export format of https://www.mediawiki.org/wiki/Help:Export, plain or compressed, with the newest revision of each page or with many,
of which the newest is taken. Read page by page in bounded memory. Tables, references, files and categories go, links leave their label, formulas
stay as LaTeX between dollar signs, templates say what they say in the Wikipedias in English, German, French, Spanish, Vietnamese and Chinese on
the day of the revision; a sentence with one that is not known is left out, and counted among the document's losses.
"""

import datetime
import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote
from xml.etree import ElementTree

from pydantic import PositiveInt

from kernels.reading.parsing.keys import SeenKeys
from kernels.reading.parsing.markup.xml_stream import Newest, Record, XmlError, xml_records
from kernels.reading.parsing.text import DamagedFileError, decompressed
from kernels.reading.parsing.wikitext.page import PlainText, read_page
from kernels.reading.parsing.wikitext.templates.arguments import Wiki
from kernels.reading.parsing.wikitext.templates.languages import WIKIPEDIAS
from kernels.specs.config import Config
from kernels.specs.sources import Document, Reject, SourceFile, SourceFormat

LOST_SENTENCES, LEFT_OUT_TABLES = "sentences with a lost template", "tables"
"""The names of what a document has lost: see `kernels.specs.sources.Document.losses`."""
MAX_LOST_NAMES = 20
"""Names of lost templates that a document's metadata tells."""

_SAFE = "/:@!$*(),;'~"
_NEWEST = Newest(tag="revision", field="timestamp")
_REDIRECT = re.compile(r"\s*#\s?([^\s\[\]#*:;=|{}]{2,40})\s*:?\s*\[\[[^\[\]\n]+\]\]")
_REDIRECT_WORDS = frozenset(
    """redirect weiterleitung redirection redirección redireccion rinvia rinvio rimanda rimando doorverwijzing patrz przekieruj tam
    перенаправление перенапр перенаправлення omdirigering redirecionamento omdirigér omdiriger omdirigera ohjaus uudelleenohjaus átirányítás
    přesměruj presmeruj yönlendirme yönlendi̇rme đổi alih пренасочване виж пренасочи преусмери preusmeri redirecteaza ανακατευθυνση 転送 リダイレクト
    重定向 넘겨주기 تحويل הפניה تغییر_مسیر تغییرمسیر अनुप्रेषित เปลี่ยนทาง redirixir redirecció birzuzendu berbideratu suuna tilvísun beralih adkas
    ailgyfeirio athsheoladh ohjaa""".split()  # noqa: SIM905
)
"""What begins a page that only leads to another, in the larger languages: the magic word ``redirect`` of MediaWiki's translations."""


class WikipediaConfig(Config):
    """What of an article is kept."""

    drop_sections: tuple[str, ...]
    """Titles, in the dump's language, of sections that are left out with all they hold, such as "References" or "See also"."""
    max_bytes: PositiveInt = 1 << 22
    """A larger page is a reject. MediaWiki stores no page above 2 MiB of wikitext (its $wgMaxArticleSize) unless it is told to."""


class _Page(NamedTuple):
    id: str
    title: str
    namespace: str
    is_redirect: bool
    model: str
    timestamp: str
    text: str


class _Site:
    """What the head of the dump tells: the address of articles, the language, and the names of the namespaces that links to are no text."""

    def __init__(self) -> None:
        self.base = ""
        self.language = "en"
        self.hidden = {"file", "image", "media", "category"}

    def learn(self, siteinfo: ElementTree.Element) -> None:
        self.base = siteinfo.findtext("base", "").rpartition("/")[0]
        names = (siteinfo.findtext("dbname", "").removesuffix("wiki").replace("_", "-"), self.base.partition("//")[2].partition(".")[0])
        self.language = next((name for name in names if name in WIKIPEDIAS), "en")
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
            for record in xml_records(stream, config.max_bytes, _NEWEST):
                if record.element.tag == "siteinfo":
                    site.learn(record.element)
                elif record.element.tag == "page":
                    page = _page(record.element)
                    last = f"page {page.id}"
                    yield _judge(page, record, site, config) if keys.add(page.id) else Reject(page.id, "duplicate_key", page.title)
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


def _judge(page: _Page, record: Record, site: _Site, config: WikipediaConfig) -> Document | Reject:
    if page.namespace != "0":
        return Reject(page.id, "namespace", f"{page.namespace}: {page.title}")
    if record.is_too_large:
        return Reject(page.id, "too_large", f"{page.title}: more than {config.max_bytes} characters")
    if page.is_redirect:
        return Reject(page.id, "redirect", page.title)
    if page.model != "wikitext":
        return Reject(page.id, "not_wikitext", f"{page.model}: {page.title}")
    wiki = Wiki(frozenset(site.hidden), site.language, page.title, _day(page.timestamp))
    if _leads_elsewhere(page.text, wiki):
        return Reject(page.id, "redirect", page.title)
    plain = read_page(page.text, wiki, config.drop_sections)
    if not plain.text:
        return Reject(page.id, "no_text", page.title)
    return Document(page.id, plain.text, page.title, site.url(page.title), _metadata(page, plain), losses=_losses(plain))


def _day(timestamp: str) -> datetime.date | None:
    """Return the day of a revision, as which its page is told."""
    try:
        return datetime.date.fromisoformat(timestamp[:10])
    except ValueError:
        return None


def _leads_elsewhere(text: str, wiki: Wiki) -> bool:
    """Return whether a page is only a redirect: by its word, or, where that is not known, because the page says nothing else."""
    redirect = _REDIRECT.match(text)
    if redirect is None:
        return False
    if redirect[1].casefold() in _REDIRECT_WORDS:
        return True
    return redirect[1] == redirect[1].upper() and not read_page(text[redirect.end() :], wiki, ()).text


def _metadata(page: _Page, plain: PlainText) -> dict[str, object]:
    told: dict[str, object] = {"page_id": page.id, "timestamp": page.timestamp}
    return told | {"lost_templates": sorted(set(plain.lost))[:MAX_LOST_NAMES]} if plain.lost else told


def _losses(plain: PlainText) -> dict[str, int]:
    counts = {LOST_SENTENCES: len(plain.lost), LEFT_OUT_TABLES: plain.num_tables}
    return {name: count for name, count in counts.items() if count}


SPEC = SourceFormat(
    name="wikipedia",
    version=4,
    config=WikipediaConfig,
    patterns=(
        "*.xml", "*.xml.gz", "*.xml.bz2", "*.xml.xz", "*.xml.zst",
        "*.xml-p*.bz2", "*.xml-p*.gz", "*.xml-p*.xz", "*.xml-p*.zst", "*pages-articles*.xml*.bz2",
    ),
    read=read,
)  # fmt: skip
