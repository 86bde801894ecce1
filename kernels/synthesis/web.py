"""Web pages rendered from clean passages as real HTML in real WARC records (ISO 28500), with labelled noise among them."""

import html
import io
import random
import uuid
from collections.abc import Sequence
from typing import NamedTuple

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


class Page(NamedTuple):
    """One page before it is written."""

    key: str
    url: str
    body: str
    kind: Kind
    original: str | None
    values: list[str]


def render_pages(passages: Sequence[str], seed: int) -> list[Page]:
    """Return one page a passage: most of them clean, the rest noise by `SHARES`."""
    dice = random.Random(seed)
    pages: list[Page] = []
    clean: list[tuple[str, str]] = []
    for number, passage in enumerate(passages):
        kind = dice.choices([kind for kind, _ in SHARES], [share for _, share in SHARES])[0]
        if not clean:
            kind = "clean"
        key = uuid.UUID(int=dice.getrandbits(128), version=4).urn
        original, values, text = None, [], passage
        match kind:
            case "exact_duplicate" | "near_duplicate":
                original, text = clean[dice.randrange(len(clean))]
                text = text if kind == "exact_duplicate" else edit_slightly(text, dice)
            case "personal_data":
                planted = [personal_sentence(dice) for _ in range(2)]
                values = [each.value for each in planted]
                text = f"{passage}\n{' '.join(each.sentence for each in planted)}"
            case "foreign":
                text = foreign_text(dice, 6)
            case "clean":
                clean.append((key, text))
            case _:
                pass
        body = _menu_page(dice) if kind == "boilerplate" else _article_page(text, dice)
        pages.append(Page(key, f"https://pages.example/{dice.choice(SECTIONS).lower()}/{number}", body, kind, original, values))
    return pages


def _article_page(text: str, dice: random.Random) -> str:
    """Return an article with all that stands around one."""
    paragraphs = "\n".join(f"<p>{html.escape(part)}</p>" for part in text.split("\n") if part.strip())
    title = html.escape(" ".join(text.split()[:8]))
    links = "".join(f'<li><a href="/{name.lower()}">{name}</a></li>' for name in dice.sample(SECTIONS, 6))
    more = "".join(f'<li><a href="/story/{dice.randrange(10_000)}">More from {name}</a></li>' for name in dice.sample(SECTIONS, 3))
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<script>window.dataLayer = window.dataLayer || []; function track(e) {{ dataLayer.push(e); }}</script>
<style>nav li {{ display: inline }}</style></head>
<body><div class="cookie-banner">We use cookies to improve your visit. <button>Accept all</button></div>
<header><nav><ul>{links}</ul></nav></header>
<main><article><h1>{title}</h1>
{paragraphs}
</article></main>
<aside><h3>Related</h3><ul>{more}</ul></aside>
<footer><p>Copyright 2024 Example Pages. All rights reserved. <a href="/terms">Terms of use</a></p></footer>
</body></html>"""


def _menu_page(dice: random.Random) -> str:
    """Return a page without an article: link lists, filler, or a search engine's bait."""
    match dice.randrange(3):
        case 0:
            items = "".join(f'<li><a href="/p/{dice.randrange(10_000)}">{name} {dice.randrange(100)}</a></li>' for name in SECTIONS * 4)
            content = f"<h1>Sitemap</h1><ul>{items}</ul>"
        case 1:
            filler = "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore magna aliqua."
            content = "".join(f"<p>{filler}</p>" for _ in range(dice.randrange(4, 9)))
        case _:
            bait = " ".join(["cheap", dice.choice(["shoes", "flights", "watches"]), "buy", "online", "best", "price"])
            content = f"<p>{' '.join([bait] * dice.randrange(20, 40))}</p>"
    return f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Index</title></head><body><main>{content}</main></body></html>'


def write_warc(path: str, pages: Sequence[Page]) -> tuple[bytes, list[Label]]:
    """Return the bytes of a gzipped WARC file of pages, and their labels under the file's name ``path``."""
    from warcio.statusandheaders import StatusAndHeaders
    from warcio.warcwriter import BufferWARCWriter

    writer = BufferWARCWriter(gzip=True)
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
