"""Data Docs that open without a network: Great Expectations' pages, rewritten to need one stylesheet and one script of our own.

As written by Great Expectations, a page asks seven hosts for Bootstrap, jQuery, Font Awesome, Vega and a logo, and runs inline scripts.
`make_self_contained` rewrites such pages in place: scripts and foreign references go, and only known tags and attributes stay.
"""

import html
import os
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

from lxml.html import HtmlElement, HTMLParser, document_fromstring, tostring

from resources.quality.data_docs_markup import TAGS, body_markup

ASSETS = ("data_docs.css", "data_docs.js")
MARK = '<!DOCTYPE html>\n<html lang="en" data-docs="self-contained">\n'
"""How a rewritten page begins, by which it is known: values must not be escaped twice."""
POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'"
"""The Content-Security-Policy of every page, in itself and in what the server answers: the site's own files, and nothing that stands in the page."""
# fmt: off
ATTRIBUTES = frozenset({
    "aria-controls", "aria-current", "aria-hidden", "checked", "class", "colspan", "data-toggle", "hidden", "href", "id", "name", "role", "type",
})
# fmt: on
ICONS = {"fa-check-circle": ("passed", "Passed"), "fa-times": ("failed", "Failed"), "fa-exclamation-triangle": ("error", "Error")}


def make_self_contained(site: Path) -> None:
    """Rewrite the pages below ``site`` that are new since the last call, and put the stylesheet and the script beside them.

    A page that cannot be rewritten is replaced by one that says so, with a warning: a raw one must not stay, nor a report stop what it reports on.
    Whoever writes pages must not do so meanwhile; readers may read all the time, for each file is replaced at once.

    Args:
        site: The folder of the first page, ``index.html``.
    """
    for name in ASSETS:
        text = Path(__file__).with_name(name).read_text("utf-8")
        asset = site / "static" / name
        if not asset.is_file() or asset.read_text("utf-8") != text:
            _replace(asset, text)
    for page in _raw_pages(site):
        root = "../" * (len(page.relative_to(site).parts) - 1)
        raw = page.read_text("utf-8", errors="replace")
        try:
            text = self_contained_page(raw, root)
        except Exception as error:  # whatever a parser raises at whatever a page holds
            fault = f"{page}: this page of Data Docs cannot be rewritten ({type(error).__name__}: {error}); was it written by another release?"
            _replace(page, _page_of_fault(fault, root))
            warnings.warn(fault, stacklevel=2)
        else:
            _replace(page, text)


def self_contained_page(page: str, root: str) -> str:
    """Return a page of Great Expectations as one that needs only our own files, found from the page under ``root``, as in ``../../``.

    Raises:
        ValueError, SyntaxError: A table of the page cannot be read, as when Great Expectations writes it in another way.
    """
    if page.startswith(MARK):
        return page
    parser = HTMLParser(huge_tree=True, remove_comments=True, remove_pis=True)
    tree = document_fromstring(f"<html><body>{body_markup(page)}</body></html>", parser=parser).body
    _keep_only_known(tree)
    _unfold_collapses(tree)
    _write_out_icons(tree)
    _mark_contents(tree)
    crumbs = tree.find_class("breadcrumb-item")
    title = f"{crumbs[-1].text_content().strip()} · Data Docs" if crumbs else "Data Docs"
    return _page(title, tostring(tree, encoding="unicode", with_tail=False), root)


def _page_of_fault(fault: str, root: str) -> str:
    """Return a page that stands for one that cannot be rewritten. What was found stays with Great Expectations' results."""
    kept = "What was found is kept as JSON in gx/uncommitted/validations, and beside the artifacts that were judged."
    told = f'<h4>No report</h4><p>{html.escape(fault)}</p><p>{kept}</p><p><a href="{root}index.html">Home</a></p>'
    return _page("No report · Data Docs", f'<body><div class="container-fluid pt-4">{told}</div></body>', root)


def _page(title: str, body: str, root: str) -> str:
    """Return a whole page: the head that every page has, and a body."""
    return (
        f'{MARK}<head>\n<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n<title>{html.escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="icon" href="{root}static/images/favicon.ico">\n<link rel="stylesheet" href="{root}static/{ASSETS[0]}">\n'
        f'<script src="{root}static/{ASSETS[1]}" defer></script>\n</head>\n{body}\n</html>\n'
    )


def _raw_pages(site: Path) -> Iterator[Path]:
    """Yield the pages that were not rewritten since they were written."""
    mark = MARK.encode()
    for page in sorted(site.rglob("*.html")):
        with page.open("rb") as file:
            begin = file.read(len(mark))
        if begin != mark:
            yield page


def _replace(path: Path, text: str) -> None:
    """Write a file so that whoever reads it meets the old text or the new, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        new.write_text(text, "utf-8")
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _keep_only_known(tree: HtmlElement) -> None:
    """Remove whatever is not a known tag, attribute or local link, so that no page can run, load or send anything."""
    for element in list(tree.iter()):
        if element.tag not in TAGS or (element.tag == "input" and element.get("type") != "radio"):
            if element is not tree and element.getparent() is not None:
                element.drop_tree()
            continue
        for name in list(element.attrib):
            if name not in ATTRIBUTES or (name == "href" and not _is_local(element.get("href", ""))):
                del element.attrib[name]
        if element.tag == "a" and "href" not in element.attrib:
            element.drop_tag()


def _is_local(link: str) -> bool:
    """Return whether a link leads to a page below the site or to a place on its own: it has no scheme and does not begin at a root."""
    return re.fullmatch(r"[^\s/\\:](?:[^\x00-\x1f\\:]*[^\s\\:])?", link) is not None


def _unfold_collapses(tree: HtmlElement) -> None:
    """Make each part that a script would have unfolded one that the browser unfolds."""
    parts: dict[str, HtmlElement] = {part.get("id", ""): part for part in tree.find_class("collapse")}
    for link in tree.xpath("//a[@data-toggle='collapse']"):
        part = parts.pop(link.get("href", "").lstrip("#"), None)
        holder, parent = link.getparent(), None if part is None else part.getparent()
        if part is None or parent is None or part in link.iterancestors():
            link.drop_tag()
            continue
        summary = tree.makeelement("summary")
        summary.text = link.text_content().strip()
        link.drop_tree()
        details = tree.makeelement("details")
        details.tail, part.tail = part.tail, None
        parent.replace(part, details)
        details.extend([summary, part])
        if holder is not None and holder.tag in ("p", "span") and not len(holder) and not (holder.text or "").strip():
            holder.drop_tree()


def _write_out_icons(tree: HtmlElement) -> None:
    """Put a word in place of each status icon."""
    for icon in list(tree.iter("i")):
        status, word = next((ICONS[name] for name in icon.get("class", "").split() if name in ICONS), ("", ""))
        if not status:
            icon.drop_tree()
            continue
        icon.tag = "span"
        icon.attrib.clear()
        icon.set("class", f"status {status}")
        icon.text = word
        if (icon.tail or "").strip().startswith(word):
            icon.tail = (icon.tail or "").strip().removeprefix(word)


def _mark_contents(tree: HtmlElement) -> None:
    """Tell the entries of the table of contents whose section holds a failure from those whose section holds none."""
    for link in tree.find_class("ge-navigation-sidebar-link"):
        for section in tree.xpath("//*[@id=$id]", id=link.get("href", "").lstrip("#")):
            found = {name for cell in section.find_class("status") for name in cell.get("class", "").split()}
            kind = "failed" if found & {"failed", "error"} else "passed" if "passed" in found else ""
            entry = link.getparent()
            if kind and entry is not None and section.get("id") != "section-1":
                entry.set("class", f"{entry.get('class', '')} {kind}".strip())
