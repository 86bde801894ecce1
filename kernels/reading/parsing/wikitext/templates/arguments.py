"""What a template is called with."""

import datetime
import re
from typing import NamedTuple

from kernels.reading.parsing.wikitext.marks import NOTHING

_NAME = re.compile(r"[\w\s.\-]*+")
_PREFIX = re.compile(r"(?:template|msg|subst|safesubst)\s*+:\s*+", re.IGNORECASE)
_SAY_NO = frozenset(("", "n", "no", "off", "0", "false"))


class Wiki(NamedTuple):
    """What a text is of: the lower-case namespaces that links to are no text, the wiki's language, the page's title, and the day it was written."""

    hidden: frozenset[str]
    language: str = "en"
    title: str = ""
    day: datetime.date | None = None

    @property
    def is_english(self) -> bool:
        """Whether English words may stand in its text."""
        return self.language in ("en", "simple")


class Arguments(NamedTuple):
    """A call of a template: its name in lower case and as it is written, its values by number, and those by name."""

    name: str
    written: str
    values: list[str]
    named: dict[str, str]
    wiki: Wiki

    def get(self, *names: str) -> str:
        """Return the first named value that is not empty."""
        return next((self.named[name] for name in names if self.named.get(name)), "")

    def value(self, number: int) -> str:
        """Return a value by its number, which starts from 1; empty where it is not given."""
        return self.values[number - 1] if number <= len(self.values) else ""

    def says(self, name: str) -> bool:
        """Return whether an option is switched on."""
        return self.named.get(name, "").lower() not in _SAY_NO

    @property
    def last(self) -> str:
        """The last numbered value that is not empty."""
        return next((value for value in reversed(self.values) if value), "")

    @property
    def first(self) -> str:
        """The first numbered value that is not empty."""
        return next((value for value in self.values if value), "")


def parse_call(content: str, wiki: Wiki) -> Arguments:
    """Return what stands between the braces of a template, whose inner brackets are resolved."""
    written, *parameters = content.split("|")
    written = _PREFIX.sub("", " ".join(written.replace("_", " ").replace(NOTHING, "").split()))
    values: dict[int, str] = {}
    named: dict[str, str] = {}
    count = 0
    for parameter in parameters:
        key, equals, value = parameter.partition("=")
        if not equals or not _NAME.fullmatch(key):
            count += 1
            values[count] = parameter.strip()
        elif key.strip().isdecimal() and len(key) < 4:
            values[int(key)] = value.strip()
        else:
            named[key.strip().lower()] = value.strip()
    numbered = [values.get(number, "") for number in range(1, max(values, default=0) + 1)]
    return Arguments(written.lower(), written, numbered, named, wiki)
