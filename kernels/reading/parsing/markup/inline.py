"""The words of one block of Markdown: emphasis, code, links, pictures, powers and indices.

What is open is remembered by its place among the words; each kind is open a bounded number of times, so that no word is copied more often.
"""

import re

from kernels.reading.parsing.markup.scripts import MAX_NESTING, is_power, subscript, superscript
from kernels.reading.parsing.markup.tags import Tag

_MARKS = {
    **dict.fromkeys(("b", "strong"), "**"),
    **dict.fromkeys(("i", "em", "cite", "dfn"), "*"),
    **dict.fromkeys(("code", "kbd", "samp", "tt"), "`"),
    **dict.fromkeys(("s", "strike", "del"), "~~"),
}
_RUNS_OF_TICKS = re.compile(r"`+")
_SPACES = re.compile(r"\s+")
_BREAKS = re.compile(r" ?\n ?")
_SAYS_NOTHING = frozenset(("", "enter image description here", "image", "alt text", "img", "picture", "screenshot"))
_NEXT_CHARS = 2


class Inline:
    """Gathers words. ``open`` holds the places where each mark, script or link has begun."""

    def __init__(self) -> None:
        """Begin without words."""
        self._words: list[str] = []
        self._open: dict[str, list[int]] = {}
        self._num_ignored: dict[str, int] = {}
        self._link = ""
        self._waiting: tuple[int, str] | None = None

    def raw(self, text: str) -> None:
        """Add text, with one blank where two meet. Empty words are none, so that looking back never takes long."""
        if text.startswith(" ") and self._words and self._words[-1].endswith(" "):
            text = text[1:]
        if text:
            self._words.append(text)

    def text(self, text: str) -> None:
        """Add text, whose white space is one blank."""
        text = _SPACES.sub(" ", text)
        self._settle(text)
        self.raw(text)

    def line_break(self) -> None:
        """Begin a new line."""
        self._settle("")
        self._words.append("\n")

    def take(self) -> str:
        """Return the words, and begin anew; what is still open ends here."""
        for name in sorted(self._open, key=lambda name: -self._open[name][-1] if self._open[name] else 0):
            while self._open[name]:
                self._end(name)
        self._settle("")
        text = _BREAKS.sub("\n", "".join(self._words).strip())
        self._words.clear()
        self._open.clear()
        self._num_ignored.clear()
        return text

    def tag(self, tag: Tag) -> None:
        """Take the tag of emphasis, a script, a link or a picture; others leave their content."""
        name = _MARKS.get(tag.name, tag.name)
        if tag.name == "img" and not tag.is_end:
            self._picture(tag)
        elif name in ("sup", "sub", "a") or tag.name in _MARKS:
            if tag.is_end:
                self._close(name)
            else:
                self._begin(name, tag)

    def _begin(self, name: str, tag: Tag) -> None:
        if name == "a":
            self._open["a"] = [len(self._words)]  # a link within a link ends the outer one
            self._link = tag.attribute("href")
            return
        places = self._open.setdefault(name, [])
        if len(places) >= (MAX_NESTING if name in ("sup", "sub") else 1):
            self._num_ignored[name] = self._num_ignored.get(name, 0) + 1
            return
        if name != "sup":
            self._settle("")
        places.append(len(self._words))

    def _close(self, name: str) -> None:
        if self._num_ignored.get(name):
            self._num_ignored[name] -= 1
        elif self._open.get(name):
            self._end(name)

    def _end(self, name: str) -> None:
        self._settle("")
        start = min(self._open[name].pop(), len(self._words))
        content = "".join(self._words[start:])
        del self._words[start:]
        if name == "sup":
            self.raw(content)
            self._waiting = (start, content)
        elif name == "sub":
            self.raw(subscript(content, self._before(start)))
        elif name == "a":
            self.raw(self._linked(content))
        else:
            self.raw(_marked(content, name))

    def _before(self, place: int) -> str:
        """Return the text before a place: the last word that is not empty, without marks of emphasis behind it."""
        while place > 0:
            place -= 1
            if text := self._words[place]:
                return text[-16:].rstrip("*`~") if text.rstrip("*`~") else ""
        return ""

    def _settle(self, after: str) -> None:
        """Write the superscript that waits for what follows it."""
        if self._waiting is None:
            return
        (start, content), self._waiting = self._waiting, None
        del self._words[start:]
        if self._words and self._words[-1].endswith(" ") and is_power(content, self._words[-1][:-1], after):
            self._words[-1] = self._words[-1][:-1]
        before = self._before(start)
        after = f"{after}<sub" if after in ("/", "\u2044") else after[:_NEXT_CHARS]  # a solidus alone between two tags
        self.raw(superscript(content, before, after))

    def _linked(self, label: str) -> str:
        words = label.strip()
        if self._link.startswith(("http://", "https://")) and words and words != self._link:
            return f"[{words}]({self._link})"
        return label

    def _picture(self, tag: Tag) -> None:
        words, source = " ".join(tag.attribute("alt").split()), tag.attribute("src")
        if words.lower() in _SAYS_NOTHING:
            return
        self._settle("")
        self.raw(f"![{words}]({source})" if source.startswith(("http://", "https://")) else words)


def _marked(content: str, mark: str) -> str:
    """Return content between marks, with its outer blanks outside of them; code between more ticks than it holds."""
    words = content.strip()
    if not words:
        return content
    left, right = content[: len(content) - len(content.lstrip())], content[len(content.rstrip()) :]
    if mark == "`" and "`" in words:
        mark = "`" * (max(map(len, _RUNS_OF_TICKS.findall(words))) + 1)
        gap = " " if words[0] == "`" or words[-1] == "`" else ""
        words = f"{gap}{words}{gap}"
    return f"{left}{mark}{words}{mark}{right}"
