"""What a rule is: where its values can stand, the expression they match, the context that must precede them, and the check they pass."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from kernels.curation.personal.search_windows import Place
from kernels.curation.personal.spans import RuleKind

BEFORE = r"(?<![0-9A-Za-z/])(?<![0-9][.+_-])(?<![A-Za-z]-)"
"""What may not stand before a number that stands alone: points and underlines may, as of ``Tel.`` and of Markdown."""
BEFORE_FIRST = r"(?<![0-9A-Za-z/].)(?<![0-9][.+_-].)(?<![A-Za-z]-.)"
"""The same, looked at from behind the first character: an expression that begins with a set of characters is searched faster."""
AFTER = r"(?![0-9A-Za-z/]|[._-]\d)"
"""What may not follow one."""
_NOT_ALNUM = re.compile(r"[^0-9A-Za-z]")


def whole(match: re.Match[str]) -> int:
    """Accept every match in full."""
    return match.end()


def checked(is_valid: Callable[[str], bool]) -> Callable[[re.Match[str]], int]:
    """Accept a match whose letters (as capitals) and digits pass a check."""

    def accept(match: re.Match[str]) -> int:
        return match.end() if is_valid(_NOT_ALNUM.sub("", match[0]).upper()) else 0

    return accept


def behind(*words: str) -> re.Pattern[str]:
    """Return a context: one of these begins a word, any case."""
    initials = "".join(sorted({re.escape(word[0]) for word in words}))
    return re.compile(rf"(?<![A-Za-z])(?=[{initials}])(?:" + "|".join(map(re.escape, words)) + ")", re.IGNORECASE)


def next_behind(*words: str) -> re.Pattern[str]:
    """Return a context: the same, and no other number stands between it and the value."""
    return re.compile(behind(*words).pattern + r"\D*\Z", re.IGNORECASE)


class Finder(Protocol):
    """What finds values of one kind in the windows around its places."""

    @property
    def kind(self) -> RuleKind:
        """What its values are."""
        ...

    @property
    def place(self) -> Place:
        """Where its values can stand."""
        ...

    def find(self, text: str, start: int, end: int) -> list[tuple[int, int]]:
        """Return values (first character, end) of a window of a text."""
        ...


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One way in which values of one kind are written."""

    kind: RuleKind
    place: Place
    pattern: re.Pattern[str]
    accept: Callable[[re.Match[str]], int] = whole
    """Returns where the value ends, 0 where the match is none."""
    context: re.Pattern[str] | None = None
    """What must be found shortly before the value; nothing is needed where None."""
    reach: int = 40
    """How many characters before the value the context may begin."""

    def find(self, text: str, start: int, end: int) -> list[tuple[int, int]]:
        """Return values (first character, end) inside a window of a text."""
        found: list[tuple[int, int]] = []
        match = self.pattern.search(text, start, end)
        while match:
            stop = self._end(match, text, end)
            if stop:
                found.append((match.start(), stop))
            match = self.pattern.search(text, stop or match.start() + 1, end)
        return found

    def _end(self, match: re.Match[str], text: str, end: int) -> int:
        """Return where a match's value ends, 0 where there is none."""
        if match.end() == end < len(text):  # cut by the window: a value that belongs to another
            return 0
        if self.context and not self.context.search(text, max(0, match.start() - self.reach), match.start()):
            return 0
        return self.accept(match)
