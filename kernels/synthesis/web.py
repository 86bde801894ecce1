"""Web pages rendered from clean passages as real HTML in real WARC records (ISO 28500), with labelled noise among them."""

import html
import io
import random
import uuid
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from kernels.synthesis.labels import Kind, Label, label
from kernels.synthesis.noise import edit_slightly, foreign_text, personal_sentence

DATE = "2024-05-01T00:00:00Z"
SECTIONS = ["Home", "News", "Sport", "Business", "Culture", "Science", "Weather", "Opinion", "Travel", "Archive"]
SHARES: tuple[tuple[Kind, float], ...] = (
    ("clean", 0.62),
    ("boilerplate", 0.09),
    ("exact_duplicate", 0.06),
    ("near_duplicate", 0.07),
    ("personal_data", 0.1),
    ("foreign", 0.06),
)
KINDS: list[Kind] = [kind for kind, _ in SHARES]
WEIGHTS = [share for _, share in SHARES]
NUM_PERSONAL_SENTENCES = 2
NUM_FOREIGN_SENTENCES = 6


class Page(NamedTuple):
    """One page before it is written."""

    key: str
    url: str
    body: str
    kind: Kind
    original: str | None
    values: list[str]


class _Article(NamedTuple):
    key: str
    text: str
    template: int


def render_pages(passages: Sequence[str], foreign: Sequence[str], seed: int) -> list[Page]:
    """Return one page a passage: most of them clean, the rest noise by `SHARES`.

    Foreign pages take the passages of ``foreign`` in turn, and sentences of `kernels.synthesis.noise` when these are used up.
    """
    dice = random.Random(seed)
    strangers = iter(foreign)
    pages: list[Page] = []
    clean: list[_Article] = []
    for number, passage in enumerate(passages):
        kind: Kind = dice.choices(KINDS, WEIGHTS)[0] if clean else "clean"
        key = uuid.UUID(int=dice.getrandbits(128), version=4).urn
        original, values, text, template = None, list[str](), passage, dice.randrange(len(TEMPLATES))
        match kind:
            case "exact_duplicate":
                original, text, _ = clean[dice.randrange(len(clean))]
            case "near_duplicate":
                original, text, other = clean[dice.randrange(len(clean))]
                text, template = edit_slightly(text, dice), (other + 1) % len(TEMPLATES)
            case "personal_data":
                planted = [personal_sentence(dice) for _ in range(NUM_PERSONAL_SENTENCES)]
                values = [each.value for each in planted]
                text = f"{passage}\n{' '.join(each.sentence for each in planted)}"
            case "foreign":
                text = next(strangers, None) or foreign_text(dice, NUM_FOREIGN_SENTENCES)
            case "clean":
                clean.append(_Article(key, text, template))
            case "boilerplate":
                pass
        body = _filler_page(dice) if kind == "boilerplate" else TEMPLATES[template](text, dice)
        pages.append(Page(key, f"https://pages.example/{dice.choice(SECTIONS).lower()}/{number}", body, kind, original, values))
    return pages


def _title(text: str) -> str:
    return html.escape(" ".join(text.split()[:8]))


def _paragraphs(text: str) -> str:
    return "\n".join(f"<p>{html.escape(part)}</p>" for part in text.split("\n") if part.strip())


def _links(dice: random.Random, count: int) -> str:
    return "".join(f'<li><a href="/{name.lower()}">{name}</a></li>' for name in dice.sample(SECTIONS, count))


def _stories(dice: random.Random, count: int) -> str:
    return "".join(f'<li><a href="/story/{dice.randrange(10_000)}">More from {name}</a></li>' for name in dice.sample(SECTIONS, count))


def _news_page(text: str, dice: random.Random) -> str:
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{_title(text)}</title>
<script>window.dataLayer = window.dataLayer || []; function track(e) {{ dataLayer.push(e); }}</script>
<style>nav li {{ display: inline }}</style></head>
<body><div class="cookie-banner">We use cookies to improve your visit. <button>Accept all</button></div>
<header><h1>Example News</h1><nav><ul>{_links(dice, 6)}</ul></nav></header>
<main><article>
{_paragraphs(text)}
</article></main>
<aside><h3>Related</h3><ul>{_stories(dice, 3)}</ul></aside>
<footer><p>Copyright 2024 Example Pages. All rights reserved. <a href="/terms">Terms of use</a></p></footer>
</body></html>"""


def _blog_page(text: str, dice: random.Random) -> str:
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{_title(text)} | Example Notes</title>
<link rel="stylesheet" href="/theme.css"></head>
<body><div id="header"><a href="/">Example Notes</a><ul class="menu">{_links(dice, 4)}</ul></div>
<div id="content"><div class="post">
<div class="entry-content">
{_paragraphs(text)}
</div><div class="share-buttons"><a href="#">Share</a> <a href="#">Print</a></div></div></div>
<div id="sidebar" class="sidebar"><h4>Archive</h4><ul>{_stories(dice, 5)}</ul><form><input name="q"><button>Search</button></form></div>
<div id="footer">Powered by a publishing platform. <a href="/feed">Subscribe</a></div>
<script>var settings = {{"page": {dice.randrange(1000)}, "ads": true}}; load(settings);</script>
</body></html>"""


def _portal_page(text: str, dice: random.Random) -> str:
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{_title(text)} - Example Encyclopedia</title>
<meta name="description" content="{_title(text)}"></head>
<body><nav class="breadcrumb"><a href="/">Home</a> / <a href="/articles">Articles</a></nav>
<div class="layout"><nav class="toolbox"><ul>{_links(dice, 8)}</ul></nav>
<main id="main">
<section class="article-body">
{_paragraphs(text)}
</section></main></div>
<div class="newsletter"><p>Sign up for the newsletter and never miss a story.</p><button>Sign up</button></div>
<footer><ul>{_stories(dice, 2)}</ul><p>This site uses cookies. <a href="/privacy">Privacy policy</a></p></footer>
</body></html>"""


TEMPLATES: tuple[Callable[[str, random.Random], str], ...] = (_news_page, _blog_page, _portal_page)


def _filler_page(dice: random.Random) -> str:
    """Return a page without an article: a link list, filler, a search engine's bait, or script that shows as text."""
    match dice.randrange(4):
        case 0:
            items = "".join(f'<li><a href="/p/{dice.randrange(10_000)}">{name} {dice.randrange(100)}</a></li>' for name in SECTIONS * 4)
            content = f"<h1>Sitemap</h1><ul>{items}</ul>"
        case 1:
            filler = "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore magna aliqua."
            content = "".join(f"<p>{filler}</p>" for _ in range(dice.randrange(4, 9)))
        case 2:
            bait = " ".join(["cheap", dice.choice(["shoes", "flights", "watches"]), "buy", "online", "best", "price"])
            content = f"<p>{' '.join([bait] * dice.randrange(20, 40))}</p>"
        case _:
            lines = [f"function load{number}(page) {{ return page.items[{dice.randrange(100)}] || {{}}; }}" for number in range(12)]
            content = "".join(f"<p>{line}</p>" for line in lines)
    return f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Index</title></head><body><main>{content}</main></body></html>'


def write_warc(path: str, pages: Sequence[Page]) -> tuple[bytes, list[Label]]:
    """Return the bytes of a gzipped WARC file of pages, and their labels under the file's name ``path``."""
    from warcio.statusandheaders import StatusAndHeaders  # pyright: ignore[reportMissingTypeStubs]
    from warcio.warcwriter import BufferWARCWriter  # pyright: ignore[reportMissingTypeStubs]

    writer: Any = BufferWARCWriter(gzip=True)
    info = {"software": "modelmill", "format": "WARC File Format 1.0"}
    record = writer.create_warcinfo_record(path, info)
    record.rec_headers.replace_header("WARC-Date", DATE)
    record.rec_headers.replace_header("WARC-Record-ID", f"<{uuid.uuid5(uuid.NAMESPACE_URL, path).urn}>")
    writer.write_record(record)
    for page in pages:
        headers = StatusAndHeaders("200 OK", [("Content-Type", "text/html; charset=utf-8")], protocol="HTTP/1.1")
        record = writer.create_warc_record(
            page.url,
            "response",
            payload=io.BytesIO(page.body.encode()),
            http_headers=headers,
            warc_headers_dict={"WARC-Date": DATE, "WARC-Record-ID": f"<{page.key}>"},
        )
        writer.write_record(record)
    return writer.get_contents(), [label(path, page.key, page.kind, page.original, page.values) for page in pages]
