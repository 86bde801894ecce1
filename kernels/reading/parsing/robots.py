"""What a page asks of crawlers: X-Robots-Tag headers and robots meta tags.

The rules are those of https://developers.google.com/search/docs/crawling-indexing/robots-meta-tag: a list of directives in any case, for all
crawlers or, behind a name and a colon, for the one of that name. ``noindex`` and ``none`` ask not to be indexed, and so does
``unavailable_after`` from its date on; ``none`` as the value of another directive (``max-image-preview:none``) does not.
"""

import html
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

_REFUSING = ("noindex", "none")
_VALUED = frozenset({"max-snippet", "max-image-preview", "max-video-preview"})
_ALL = frozenset({"", "*", "robots", "all"})

_UNAVAILABLE = re.compile(r"(?:([^\s,;:]+)\s*:\s*)?unavailable_after\s*:\s*([^;]*)")
_PART = re.compile(r"(?:([^\s,;:]+)\s*:\s*)?([^\s,;:]+)?")
_META = re.compile(r"<meta\b((?:[^<>\"']|\"[^\"<]{0,1000}\"|'[^'<]{0,1000}'){0,2000}+)>?", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"([^\s\"'=/]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"']+))")
_UNREAD = re.compile(r"<!--.*?(?:-->|\Z)|<(script|style|template)\b.*?(?:</\1|\Z)", re.IGNORECASE | re.DOTALL)


class _Rule(NamedTuple):
    agent: str
    directive: str


def refusal_in_headers(values: Sequence[str], agents: Sequence[str] = (), fetched: str | None = None) -> str | None:
    """Return the X-Robots-Tag value that asks not to be indexed, None where none does.

    Args:
        values: of all headers of that name.
        agents: crawlers whose own rules count beside those for all.
        fetched: when the page was fetched (ISO 8601), which ``unavailable_after`` is held against.
    """
    return next((value for value in values if _refuses(value, "", agents, fetched)), None)


def refusal_in_page(page: str, agents: Sequence[str] = (), fetched: str | None = None) -> str | None:
    """Return the meta tag of an HTML page that asks not to be indexed, None where none does."""
    for tag, name, content in _metas(page, {"robots", *(agent.lower() for agent in agents)}):
        if any(_refuses(content, "" if agent == "robots" else agent, agents, fetched) for agent in re.split(r"[\s,]+", name)):
            return tag
    return None


def _metas(page: str, names: set[str]) -> Iterator[tuple[str, str, str]]:
    """Yield the meta tags of some names: the tag, its name in small letters, and its content."""
    lowered = page.lower()
    if not any(name in lowered for name in names):
        return
    for match in _META.finditer(_UNREAD.sub(" ", page)):
        attributes = {name.lower(): html.unescape(a or b or c) for name, a, b, c in reversed(_ATTRIBUTE.findall(match[1]))}  # the first counts
        name = attributes.get("name", "").strip().lower()
        if names.intersection(re.split(r"[\s,]+", name)):
            yield match[0], name, attributes.get("content", "")


def _refuses(value: str, agent: str, agents: Sequence[str], fetched: str | None) -> bool:
    value = value.lower()
    addressed = _ALL | {known.lower() for known in agents}
    dated = _UNAVAILABLE.search(value)
    rules = list(_rules(value[: dated.start()] if dated else value, agent))
    if dated and _is_past(dated[2], fetched):
        agent = dated[1] or (rules[-1].agent if rules else agent)
        rules.append(_Rule(agent, "noindex"))
    return any(rule.directive in _REFUSING and rule.agent in addressed for rule in rules)


def _rules(value: str, agent: str) -> Iterator[_Rule]:
    """Yield the directives of a list, each with the agent that it is for: the last one named before it."""
    for name, directive in _PART.findall(value):
        if name in _VALUED:
            continue
        if name:
            agent = name
        if directive:
            yield _Rule(agent, directive)


def _is_past(text: str, fetched: str | None) -> bool:
    """Return whether a date lay behind when the page was fetched; what is no date, or one without a fetch, does not."""
    date, now = _date(text.strip()), _date(fetched or "")
    return date is not None and now is not None and date <= now


def _date(text: str) -> datetime | None:
    """Return a date in one of the forms of RFC 822, RFC 850 and ISO 8601, in UTC where it names no zone."""
    found: datetime | None = None
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            found = parse(text.upper())
            break
        except ValueError:
            continue
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)
