"""How ``{{convert}}`` writes what it has computed: names or symbols, as an adjective, ranges, and what stands between the two sides.

The options: https://en.wikipedia.org/wiki/Template:Convert.
"""

import re
from typing import NamedTuple

from kernels.reading.parsing.wikitext.templates.arguments import Arguments
from kernels.reading.parsing.wikitext.templates.quantities.spelling import spelled
from kernels.reading.parsing.wikitext.templates.quantities.units import Unit

JOINTS = {
    "to": " to ", "and": " and ", "or": " or ", "-": "\u2013", "\u2013": "\u2013", "&ndash;": "\u2013", "to(-)": " to ", "and(-)": " and ",
    "or(-)": " or ", "by": " by ", "x": " by ", "xx": " \u00d7 ", "*": " \u00d7 ", "\u00d7": " by ", "by(x)": " by ", "+/-": " \u00b1 ",
    "\u00b1": " \u00b1 ", "&plusmn;": " \u00b1 ", ",": ", ", ", and": ", and ", ", or": ", or ", "to about": " to about ", "and about": " and about ",
    "+": " + ", "/": "/",
}  # fmt: skip
"""What stands between the values of a range, by how it is written in a call."""

_DASH, _TIMES = "\u2013", " \u00d7 "
_SHORT_JOINTS = JOINTS | {"to(-)": _DASH, "and(-)": _DASH, "or(-)": _DASH, "by(x)": _TIMES, "x": _TIMES, "\u00d7": _TIMES}
_ADJECTIVE_JOINTS = JOINTS | dict.fromkeys(("by", "x", "\u00d7", "by(x)"), "-by-") | dict.fromkeys(("to", "to(-)"), "-to-")
_WITH_UNITS = frozenset(("x", "xx", "*", "\u00d7", "by(x)"))
"""Signs of multiplication, where every symbol is repeated: 3 m × 4 m."""
_SEPARATORS = {
    "": (" (", ")"), "b": (" (", ")"), "or": (" or ", ""), "comma": (", ", ""), "sqbr": (" [", "]"), "br": ("\n", ""), "br()": ("\n(", ")"),
    "slash": (" / ", ""), "/": (" / ", ""), "s": (" / ", ""), "semicolon": ("; ", ""), "flip": (" (", ")"),
}  # fmt: skip
_ONLY_TARGET, _ONLY_NUMBER = frozenset(("out", "output only")), frozenset(("number", "output number only"))
_POWER = re.compile(r"(?<=[A-Za-z])([23])(?=$|/)")


class Side(NamedTuple):
    """A side of a conversion: the numbers, with words between them, and a unit; or the parts of a value in several units."""

    numbers: list[str]
    joints: list[str]
    unit: Unit
    is_one: bool
    parts: tuple[tuple[str, Unit], ...] = ()


class Form(NamedTuple):
    """How a call is written."""

    is_source_short: bool
    is_target_short: bool
    is_in_full: bool
    is_adjective: bool
    takes_words: bool
    are_words_before: bool
    is_flipped: bool
    is_american: bool
    display: str
    spelling: str
    is_bare: bool

    @classmethod
    def of(cls, call: Arguments) -> "Form | None":
        """Return the form that a call asks for; None where it asks for what is not known, or for what is looked up elsewhere."""
        short = call.get("abbr").lower() or ("on" if call.name.startswith("cvt") else "out")
        adjective, display = call.get("adj").lower(), call.get("disp").lower()
        if short not in ("on", "off", "in", "out", "none", "values") or call.get("input", "qid", "property"):
            return None
        if display not in _SEPARATORS and display not in _ONLY_TARGET | _ONLY_NUMBER:
            return None
        is_short = not call.wiki.is_english  # names would be English
        return cls(
            is_source_short=is_short or short in ("on", "in"),
            is_target_short=is_short or short == "on" or (short == "out" and display not in _ONLY_TARGET),
            is_in_full=short in ("off", "none") and not is_short,
            is_adjective=adjective in ("on", "mid", "1") or call.says("sing"),
            takes_words=adjective in ("mid", "pre"),
            are_words_before=adjective == "pre",
            is_flipped=call.get("order").lower() == "flip" or display == "flip",
            is_american=call.get("sp").lower() == "us" or call.get("spell").lower().endswith("us"),
            display=display,
            spelling=call.get("spell"),
            is_bare=short == "values",
        )


def write(source: Side, targets: list[Side], words: list[str], form: Form) -> str | None:
    """Return both sides of a conversion, or what the form asks for of them; ``words`` stand before or behind the first unit."""
    if form.display in _ONLY_NUMBER:
        return "".join(targets[0].numbers) if len(targets) == 1 and len(targets[0].numbers) == 1 else None
    first, second = (targets, [source]) if form.is_flipped else ([source], targets)
    if form.display in _ONLY_TARGET:
        return "; ".join(_side(side, form, words, is_short=form.is_target_short, is_spelled=False) for side in targets)
    spelling = form.spelling.lower()
    left = "; ".join(_side(side, form, words, is_short=form.is_source_short, is_spelled=spelling in ("in", "on")) for side in first)
    right = "; ".join(_side(side, form, [], is_short=form.is_target_short, is_spelled=spelling == "on") for side in second)
    opening, closing = _SEPARATORS[form.display]
    return f"{left}{opening}{right}{closing}"


def _side(side: Side, form: Form, words: list[str], *, is_short: bool, is_spelled: bool) -> str:
    """Return one side with its unit as a name or a symbol, as an adjective where the form asks for one."""
    is_short = (is_short or (side.unit.measure.startswith("temperature") and not form.is_in_full)) and bool(side.unit.symbol)
    is_adjective = form.is_adjective and not is_short
    before = f"{words[0]} " if words and form.are_words_before else ""
    behind = ("" if words[0].startswith("-") else " ") + words[0] if words and not before else ""
    gap = "-" if is_adjective else " "
    if side.parts:
        texts = [
            f"{_number(text, form, is_spelled, place)}{gap}{_name(each, form, is_short, is_one=is_adjective or text.lstrip('-') == '1')}"
            for place, (text, each) in enumerate(side.parts)
        ]
        return before + gap.join(texts) + behind
    name = "" if form.is_bare else _name(side.unit, form, is_short, is_one=side.is_one or is_adjective)
    name = before + (name.replace(" ", "-") if is_adjective else name)
    gap = "" if is_short and (side.unit.symbol.startswith("/") or side.unit.power) else gap
    joints = _SHORT_JOINTS if is_short else _ADJECTIVE_JOINTS if is_adjective else JOINTS
    numbers = [_number(text, form, is_spelled, place) for place, text in enumerate(side.numbers)]
    if is_short and not _WITH_UNITS.isdisjoint(side.joints):
        numbers = [f"{text}{gap}{name}" for text in numbers[:-1]] + numbers[-1:]
    text = numbers[0] + "".join(joints[joint] + each for joint, each in zip(side.joints, numbers[1:], strict=True))
    return f"{text}{gap}{name}{behind}".rstrip()


def _number(text: str, form: Form, is_spelled: bool, place: int) -> str:
    """Return a number, in words where they are asked for and known; the first with a capital where the option has one."""
    word = spelled(text) if is_spelled else None
    if word is None:
        return text
    return word.capitalize() if form.spelling[:1].isupper() and place == 0 else word


def _name(of: Unit, form: Form, is_short: bool, *, is_one: bool) -> str:
    if is_short and of.symbol:
        return _POWER.sub(r"^\1", of.symbol)
    name = of.singular if is_one else of.plural
    return name.replace("metre", "meter").replace("litre", "liter") if form.is_american else name
