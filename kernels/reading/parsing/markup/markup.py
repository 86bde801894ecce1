"""Simple HTML, as question sites store it, as Markdown: paragraphs, headings, lists, quotes, fenced code, links and emphasis.

For the small, clean dialect that a site's own editor writes, where no article has to be found first. One pass over the tags, whatever
their nesting; unknown tags leave their content.
"""

import html
import re

_TAG = re.compile(r"<!--.*?(?:-->|\Z)|<(/?)([A-Za-z][A-Za-z0-9]*)((?:[^<>\"]|\"[^\"<]*\")*)>", re.DOTALL)
_HREF = re.compile(r"\bhref\s*=\s*[\"']([^\"'<>]*)")
_LANGUAGE = re.compile(r"\blang(?:uage)?-([\w+#.-]+)")
_BLOCKS = {"p", "div", "table", "tr", "dl", "dd", "dt", "section", "article", "figure"}
_EMPHASIS = {"b": "**", "strong": "**", "i": "*", "em": "*", "code": "`", "kbd": "`", "s": "~~", "strike": "~~", "del": "~~"}
_HIDDEN = {"script", "style"}
_FENCE = re.compile(r"`{3,}")
MAX_INDENT = 8
"""Lists and quotes within lists and quotes that are still shown as such."""


class _Markdown:
    """Writes blocks of Markdown while tags and text arrive."""

    def __init__(self) -> None:
        self.blocks: list[str] = []
        self.words: list[str] = []
        self.prefixes: list[str] = []
        self.counters: list[int] = []
        self.mark = ""
        self.link: tuple[str, int] | None = None  # a link within a link ends the outer one
        self.is_list_begun = False
        self.code: list[str] | None = None
        self.language = ""
        self.hidden = ""

    def text(self, text: str) -> None:
        if self.hidden:
            return
        text = html.unescape(text)
        if self.code is not None:
            self.code.append(text)
        else:
            self.words.append(re.sub(r"\s+", " ", text))

    def close(self, is_tight: bool = False) -> None:
        """End the block that is being written."""
        text = re.sub(r" ?\n ?", "\n", "".join(self.words).strip())
        self.words.clear()
        self.link = None
        if text:
            self.put(text.split("\n"), is_tight)

    def put(self, lines: list[str], is_tight: bool = False) -> None:
        margin = "".join(self.prefixes[:MAX_INDENT])
        first = margin[: len(margin) - len(self.mark)] + self.mark if self.mark else margin
        block = "\n".join((margin if number else first) + line for number, line in enumerate(lines))
        is_tight = (is_tight or bool(self.mark)) and bool(self.counters) and not self.is_list_begun
        self.blocks.append(("\n" if is_tight else "\n\n") + block)
        self.mark = ""
        self.is_list_begun = False

    def start(self, tag: str, rest: str) -> None:
        if self.hidden or (self.code is not None and tag != "code"):
            return
        if tag in _HIDDEN:
            self.hidden = tag
        elif tag == "pre":
            self.close()
            self.code = []
            language = _LANGUAGE.search(rest)
            self.language = language[1] if language else ""
        elif self.code is not None:
            language = _LANGUAGE.search(rest)
            self.language = language[1] if language else self.language
        elif tag in ("ul", "ol", "blockquote", "li"):
            self._open(tag)
        elif tag == "br":
            self.words.append("\n")
        elif tag == "hr":
            self.close()
            self.put(["---"])
        elif tag == "a":
            href = _HREF.search(rest)
            self.link = (html.unescape(href[1]) if href else "", len(self.words))
        elif tag in _EMPHASIS:
            self.words.append(_EMPHASIS[tag])
        elif tag in _BLOCKS or _is_heading(tag):
            self.close()
            if _is_heading(tag):
                self.words.append(f"{'#' * int(tag[1])} ")

    def _open(self, tag: str) -> None:
        self.close(is_tight=True)
        if tag == "blockquote":
            self.prefixes.append("> ")
        elif tag == "li":
            if self.counters and self.counters[-1]:
                self.mark = f"{self.counters[-1]}. "
                self.counters[-1] += 1
            else:
                self.mark = "- "
            self.prefixes.append(" " * len(self.mark))
        else:
            self.is_list_begun = not self.counters
            self.counters.append(int(tag == "ol"))

    def end(self, tag: str) -> None:
        if self.hidden:
            self.hidden = "" if tag == self.hidden else self.hidden
        elif self.code is not None:
            if tag == "pre":
                self._fence("".join(self.code))
        elif tag in ("li", "blockquote"):
            self.close(is_tight=tag == "li")
            self.mark = ""
            if self.prefixes:
                self.prefixes.pop()
        elif tag in ("ul", "ol"):
            self.close()
            if self.counters:
                self.counters.pop()
        elif tag == "a":
            self._link()
        elif tag in _EMPHASIS:
            self.words.append(_EMPHASIS[tag])
        elif tag in _BLOCKS or _is_heading(tag):
            self.close()

    def _link(self) -> None:
        if self.link is None:
            return
        href, start = self.link
        self.link = None
        label = "".join(self.words[start:]).strip()
        if href.startswith(("http://", "https://")) and label and label != href:
            self.words[start:] = [f"[{label}]({href})"]

    def _fence(self, code: str) -> None:
        fence = "`" * max([3, *(len(run) + 1 for run in _FENCE.findall(code))])
        self.code = None
        if code.strip():
            self.put([fence + self.language, *code.strip("\n").split("\n"), fence])
        self.language = ""

    def finish(self) -> str:
        if self.code is not None:
            self._fence("".join(self.code))
        self.close()
        return "".join(self.blocks).strip("\n")


def _is_heading(tag: str) -> bool:
    return len(tag) == 2 and tag[0] == "h" and tag[1] in "123456"


def markdown(source: str) -> str:
    """Return HTML as Markdown."""
    writer = _Markdown()
    position = 0
    for tag in _TAG.finditer(source):
        if tag.start() > position:
            writer.text(source[position : tag.start()])
        position = tag.end()
        if tag[2] and tag[1]:
            writer.end(tag[2].lower())
        elif tag[2]:
            writer.start(tag[2].lower(), tag[3])
    writer.text(source[position:])
    return writer.finish()
