"""Marriages, names of rulers with their numbers, posts and titles."""

from kernels.reading.parsing.wikitext.templates.arguments import Arguments

_ENDS = {
    "d": "died", "died": "died", "dec": "died", "div": "div.", "divorced": "div.", "sep": "sep.", "separated": "sep.", "ann": "ann.", "w": "wid.",
    "widowed": "wid.", "her death": "d.", "his death": "d.",
}  # fmt: skip
"""How a marriage ended, by what is written."""


def _marriage(call: Arguments) -> str | None:
    """{{marriage|name|1950|1960|end=div}}: name (m. 1950; div. 1960)."""
    name, start, end = call.value(1), call.value(2), call.value(3)
    if not name:
        return None
    how = call.get("end", "reason").lower().rstrip(".")
    if end:
        inside = f"m. {start}; {_ENDS.get(how, how)} {end}" if how and start else f"m. {start}\u2013{end}" if start else end
    else:
        inside = f"m. {start}" if start else ""
    return f"{name} ({inside})" if inside else name


def _post_nominals(call: Arguments) -> str | None:
    """{{post-nominals|country=GBR|KBE|FRS}}."""
    return ", ".join(value for value in call.values if value) or None


RENDERERS = (
    dict.fromkeys(("marriage", "married"), _marriage)
    | dict.fromkeys(("post-nominals", "postnominals", "post nominals", "post-nominal", "pn2"), _post_nominals)
)  # fmt: skip
"""Renderers by the name of a template in lower case."""
