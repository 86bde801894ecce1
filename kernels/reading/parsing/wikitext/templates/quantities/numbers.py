"""Numbers: their form, fractions, powers, shares, ordinals, values with a unit."""

import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from kernels.reading.parsing.wikitext.templates.arguments import Arguments, Wiki

MAX_DIGITS = 60
"""A number of more digits is no quantity of an article."""

_NUMBER = re.compile(r"[-+\u2212\u2013]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,2})?")
_PLAIN = re.compile(r"([-+]?)([0-9]+)((?:\.[0-9]*)?)")
_SEPARATORS = {
    ("en", "simple", "zh", "ja", "ko", "th", "he"): (",", "."), ("de", "vi", "it", "nl", "id", "da"): (".", ","),
    ("fr", "es", "ru", "uk", "pl", "cs", "sv", "fi"): (" ", ","),
}  # fmt: skip
"""What stands between thousands and before decimals, by languages."""
_GREAT = ((12, "trillion"), (9, "billion"), (6, "million"), (3, "thousand"))


def number(text: str) -> Decimal | None:
    """Return a number as it is written in an article, with or without commas; None where it is none."""
    text = text.replace(",", "").replace("\u2009", "").replace("&nbsp;", "").replace("&minus;", "-").replace(" ", "").strip()
    if len(text) > MAX_DIGITS or not _NUMBER.fullmatch(text):
        return None
    try:
        return Decimal(text.replace("\u2212", "-").replace("\u2013", "-"))
    except InvalidOperation:
        return None


def rounded(value: Decimal, num_decimals: int) -> Decimal:
    """Return a value with so many decimals, negative for tens and hundreds, half a step away from zero."""
    step = Decimal(1).scaleb(-num_decimals)
    return (value / step).quantize(Decimal(1), rounding=ROUND_HALF_UP) * step


def round_half_up(value: float, num_decimals: int) -> float:
    """Return a value with so many decimals, as `rounded` does."""
    return float(rounded(Decimal(repr(value)), max(-MAX_DIGITS, min(num_decimals, MAX_DIGITS))))


def grouped(text: str, separator: str = ",") -> str:
    """Return a number, as digits with an optional sign and decimals, with its thousands set apart."""
    plain = _PLAIN.fullmatch(text)
    if not plain:
        return text
    digits = plain[2]
    head = len(digits) % 3 or 3
    return plain[1] + separator.join([digits[:head], *(digits[place : place + 3] for place in range(head, len(digits), 3))]) + plain[3]


def as_text(value: Decimal, num_decimals: int, separator: str = ",") -> str:
    """Return a value rounded and with its thousands set apart."""
    text = format(rounded(value, num_decimals), "f")
    if "." in text and num_decimals <= 0:
        text = text.partition(".")[0]
    return grouped("0" if text == "-0" else text, separator)


def formatted(text: str, wiki: Wiki) -> str:
    """Return what ``{{formatnum:...}}`` shows: thousands set apart, in the way of the wiki's language where that is known."""
    text = text.strip().replace("\u2212", "-")
    separators = next((each for languages, each in _SEPARATORS.items() if wiki.language in languages), None)
    if separators is None or not _PLAIN.fullmatch(text):
        return text
    thousands, point = separators
    whole, has_decimals, decimals = text.partition(".")
    return grouped(whole, thousands) + (point + decimals if has_decimals else "")


def ordinal(value: int) -> str:
    """Return 1st, 2nd, 3rd, 4th, 11th ..."""
    ending = "th" if abs(value) % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(abs(value) % 10, "th")
    return f"{value:,}{ending}"


def fraction(values: list[str]) -> str | None:
    """Return a fraction of one (denominator), two or three (whole first) values."""
    values = [value for value in values if value]
    match values:
        case [below]:
            return f"1/{_group(below)}"
        case [above, below]:
            return f"{_group(above)}/{_group(below)}"
        case [whole, above, below]:
            return f"{whole} {_group(above)}/{_group(below)}"
        case _:
            return None


def _group(part: str) -> str:
    return f"({part})" if re.search(r"[^\w.,'\ufdd0\ufdd1<>/]|/(?!su[bp]>)", part.replace("''", "")) else part


def _fraction(call: Arguments) -> str | None:
    if re.fullmatch(r"\d+/\d+", call.name):
        return call.name
    return fraction(call.values[:3])


_VALUE_JOINTS = {"-": "\u2013", "\u2013": "\u2013", "to": " to ", "and": " and ", "or": " or ", "by": " by ", "x": " \u00d7 ", "\u00d7": " \u00d7 "}


def _ordinal(call: Arguments) -> str | None:
    value = number(call.first)
    return ordinal(int(value)) if value is not None and value == int(value) else None


def _value(call: Arguments) -> str | None:
    """{{val|number|uncertainty|below|e=|u=|ul=|up=|p=|s=}}."""
    if call.value(2) in _VALUE_JOINTS and call.value(3):
        first, last = (_value(call._replace(values=[value], named=dict.fromkeys(call.named, ""))) for value in (call.value(1), call.value(3)))
        return _value(call._replace(values=[f"{first}{_VALUE_JOINTS[call.value(2)]}{last}"]))
    first = call.value(1).replace("\u2212", "-")
    if not first and not call.get("e", "10"):
        return None
    shown = grouped(first) if call.get("fmt") == "commas" else first
    second, third = call.value(2), call.value(3)
    if second.startswith("("):
        shown += second
    elif third:
        above, below = second.lstrip("+"), third.lstrip("-\u2212")
        shown += f" (+{above} -{below})"
    elif second:
        shown += f"\u00b1{second}"
    exponent = call.get("e", "10")
    if exponent:
        power = "10^" + exponent.replace("\u2212", "-")
        shown = f"({shown})\u00d7{power}" if second and not second.startswith("(") else f"{shown}\u00d7{power}" if shown else power
    unit, per = call.get("u", "ul"), call.get("up", "upl")
    unit = f"{unit}/{per}" if per else unit
    gap = "" if unit.startswith(("%", "\u00b0 ", "\u2032", "\u2033")) or unit in ("\u00b0", "deg") else " "
    unit = {"deg": "\u00b0", "%": "%"}.get(unit, unit)
    return f"{call.get('p')}{shown}{gap + _unit(unit) if unit else ''}{call.get('s', 'end')}"


def _unit(unit: str) -> str:
    """Return a unit as the template writes it: m2 is m^2, and what follows a solidus stays."""
    return re.sub(r"(?<=[A-Za-z])(-?[1-9])(?![\d.])", r"^\1", unit)


def _joined(call: Arguments) -> str | None:
    """{{gaps|12|345|678}}: digits in groups with thin gaps that are no characters."""
    values = [value for value in call.values if value]
    if not values:
        return None
    exponent = call.get("e")
    return "".join(values) + (f"\u00d710^{exponent}" if exponent else "") + (f" {_unit(call.get('u'))}" if call.get("u") else "")


def _power_of_ten(call: Arguments) -> str | None:
    """{{e|6}}, {{esp|6}}; {{ESP}} is Spain."""
    return f"\u00d710^{call.first}".replace("\u2212", "-") if call.first and call.written != "ESP" else None


def _power(call: Arguments) -> str | None:
    return f"{call.value(1)}<sup>{call.value(2)}</sup>" if call.value(2) else f"10<sup>{call.first}</sup>" if call.first else None


def _superscript(call: Arguments) -> str | None:
    return f"<sup>{call.first}</sup>" if call.first else None


def _subscript(call: Arguments) -> str | None:
    return f"<sub>{call.first}</sub>" if call.first else None


def _both_scripts(call: Arguments) -> str | None:
    above, below = call.get("p", "sup") or call.value(1), call.get("b", "sub") or call.value(2)
    return f"<sub>{below}</sub>" * bool(below) + f"<sup>{above}</sup>" * bool(above) or None


def _percentage(call: Arguments) -> str | None:
    part, whole, decimals = number(call.value(1)), number(call.value(2)), number(call.value(3) or "0")
    if part is None or not whole or decimals is None or not 0 <= decimals <= 12:
        return None
    return f"{as_text(100 * part / whole, int(decimals))}%"


def _round(call: Arguments) -> str | None:
    value, decimals = number(call.value(1)), number(call.value(2) or "0")
    return None if value is None or decimals is None or abs(decimals) > 12 else as_text(value, int(decimals))


def _sorted_number(call: Arguments) -> str | None:
    return formatted(call.first, call.wiki) if call.first else None


def _price(call: Arguments) -> str | None:
    """{{format price|1234567}}: 1.23 million."""
    value = number(call.first)
    if value is None:
        return None
    for power, name in _GREAT[:3]:
        if abs(value) >= 10**power:
            return f"{as_text(value.scaleb(-power), 2)} {name}"
    return as_text(value, 0 if abs(value) >= 100 else 2)


def _plus_minus(call: Arguments) -> str | None:
    return f"\u00b1{call.first}" if call.first else None


RENDERERS = (
    dict.fromkeys(("frac", "sfrac", "fraction", "tfrac", "fract", "vfrac", "fracn", "intfrac", "mfrac"), _fraction)
    | {f"{above}/{below}": _fraction for below in range(2, 17) for above in range(1, below)}
    | dict.fromkeys(("ordinal", "ord", "nth"), _ordinal)
    | dict.fromkeys(("val", "value"), _value)
    | dict.fromkeys(("gaps", "gapnum", "gap"), _joined)
    | dict.fromkeys(("e", "esp", "exp", "e-sp", "x10^", "x10"), _power_of_ten)
    | dict.fromkeys(("pow", "10^", "power"), _power)
    | dict.fromkeys(("sup", "superscript", "smallsup"), _superscript)
    | dict.fromkeys(("sub", "subscript"), _subscript)
    | dict.fromkeys(("su", "sub sup", "subsup"), _both_scripts)
    | dict.fromkeys(("percentage", "pct", "percent"), _percentage)
    | dict.fromkeys(("round", "rnd", "decimals"), _round)
    | dict.fromkeys(("nts", "ntsc", "number table sorting", "formatnum", "number format", "nowrapnum", "ntse"), _sorted_number)
    | dict.fromkeys(("format price", "formatprice"), _price)
    | dict.fromkeys(("\u00b1", "plusmn", "pm"), _plus_minus)
)
"""Renderers by the name of a template in lower case."""
