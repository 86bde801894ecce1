"""Sources that are named in a sentence: authors with a year, numbers of books and papers."""

import re

from kernels.reading.parsing.wikitext.templates.arguments import Arguments
from kernels.reading.parsing.wikitext.templates.quantities.numbers import grouped

_NUMBERS = {
    "isbn": "ISBN", "isbnt": "ISBN", "issn": "ISSN", "oclc": "OCLC", "lccn": "LCCN", "pmid": "PMID", "pmc": "PMC", "jstor": "JSTOR", "s2cid": "S2CID",
    "asin": "ASIN", "zbl": "Zbl", "ssrn": "SSRN", "rfc": "RFC", "ietf rfc": "RFC", "bibcode": "Bibcode:", "doi": "doi:", "doi-inline": "doi:",
    "arxiv": "arXiv:", "hdl": "hdl:",
}  # fmt: skip
_YEAR = re.compile(r".*\b\d{3,4}[a-z]?\b.*|n\.d\.|forthcoming", re.IGNORECASE)


def _authors(call: Arguments) -> tuple[str, str] | None:
    """Return the authors and the year of {{harvnb|author|author|year}}."""
    values = [value for value in call.values if value]
    year = values.pop() if values and _YEAR.fullmatch(values[-1]) else ""
    if not values or not year:
        return None
    if len(values) > 3:
        return f"{values[0]} et al.", year
    return _listed(values), year


def _pages(call: Arguments) -> str:
    if page := call.get("p", "page"):
        return f", p. {page}"
    if pages := call.get("pp", "pages"):
        return f", pp. {pages}"
    return f", {call.get('loc')}" if call.get("loc") else ""


def _in_text(call: Arguments) -> str | None:
    """{{harvtxt|Smith|2000}}: Smith (2000)."""
    source = _authors(call)
    return f"{source[0]} ({source[1]}{_pages(call)})" if source else None


def _by_name(call: Arguments) -> str | None:
    """{{harvs|txt|last=Smith|first=A.|year=2000}}: A. Smith (2000); without ``txt`` a source that is no part of the sentence."""
    authors = [" ".join(part for part in (call.get(f"first{n}"), call.get(f"last{n}")) if part) for n in ("", "1", "2", "3", "4")]
    authors = [author for author in authors if author]
    if "txt" not in (*call.values, *call.named) or not authors or not call.get("year", "year1"):
        return None
    return f"{_listed(authors)} ({call.get('year', 'year1')})"


def _listed(authors: list[str]) -> str:
    return f"{', '.join(authors[:-1])} & {authors[-1]}" if len(authors) > 1 else authors[0]


def _plain(call: Arguments) -> str | None:
    """{{harvnb|Smith|2000|p=1}}: Smith 2000, p. 1."""
    source = _authors(call)
    return f"{source[0]} {source[1]}{_pages(call)}" if source else None


def _number(call: Arguments) -> str | None:
    label = _NUMBERS[call.name]
    value = call.first or call.get("id")
    return (f"{label}{value}" if label.endswith(":") else f"{label} {value}") if value else None


def _sequence(call: Arguments) -> str | None:
    """{{OEIS|A000045}}."""
    return f"(sequence {call.first} in the OEIS)" if call.first else None


def _sequence_link(call: Arguments) -> str | None:
    return call.first or None


def _state_department(_: Arguments) -> str:
    """{{StateDept}}: where words of the article are from."""
    return "This article incorporates public domain material from the United States Department of State."


def _patent(call: Arguments) -> str | None:
    """{{US patent|1781541}}."""
    return call.value(2) or (f"U.S. Patent {grouped(call.first)}" if call.first else None)


RENDERERS = (
    dict.fromkeys(_NUMBERS, _number)
    | dict.fromkeys(("harvtxt", "harvcoltxt", "harvard citation text", "harvp", "harvs text"), _in_text)
    | {"harvs": _by_name}
    | dict.fromkeys(("harvnb", "harvard citation no brackets", "harvcolnb", "harvnbsp"), _plain)
    | {"oeis": _sequence, "oeis link": _sequence_link, "oeis2c": _sequence_link, "us patent": _patent, "statedept": _state_department}
)
"""Renderers by the name of a template in lower case."""
