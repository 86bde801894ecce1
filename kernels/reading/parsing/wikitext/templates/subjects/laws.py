"""Laws and judgements of the United States, and the rules of patents, as they are cited."""

from collections.abc import Callable

from kernels.reading.parsing.wikitext.templates.arguments import Arguments


def _cited(form: str) -> Callable[[Arguments], str | None]:
    """Return what puts two numbers into a form of citation; more values than those are told by no form."""
    return lambda call: form.format(call.value(1), call.value(2)) if call.value(1) and call.value(2) and not any(call.values[2:]) else None


def _judgement(call: Arguments) -> str | None:
    """{{ussc|410|113|1973}}: 410 U.S. 113 (1973); with a name before the numbers that of the case."""
    volume, page, year = [*call.values, "", "", ""][:3]
    if not volume.isdecimal() or not page.isdecimal():
        return None
    return f"{volume} U.S. {page}" + (f" ({year})" if year else "")


def _of_patents(call: Arguments) -> str | None:
    """{{EPC Article|52|2}}: Article 52(2) EPC."""
    treaty, _, kind = call.written.rpartition(" ")
    return f"{kind.capitalize()} {call.value(1)}{''.join(f'({value})' for value in call.values[1:] if value)} {treaty}" if call.value(1) else None


RENDERERS = (
    dict.fromkeys(("usc", "unitedstatescode", "usc2"), _cited("{} U.S.C. \u00a7 {}"))
    | dict.fromkeys(("cfr", "uscfr", "codeoffederalregulations"), _cited("{} CFR {}"))
    | dict.fromkeys(("uspl", "uspublaw"), _cited("Pub. L. {}\u2013{}"))
    | dict.fromkeys((f"{treaty} {kind}" for treaty in ("epc", "epc 1973", "pct") for kind in ("article", "rule")), _of_patents)
    | {"usstat": _cited("{} Stat. {}"), "ussc": _judgement}
)
"""Renderers by the name of a template in lower case."""
