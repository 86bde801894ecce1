"""Rules for e-mail addresses, telephone numbers and log-in data inside web addresses.

Telephone numbers are recognised by the ways in which countries group them; a number grouped otherwise counts only shortly behind a word
that announces one.
"""

import re

from kernels.curation.personal.rules.rule import Rule, behind
from kernels.curation.personal.search_windows import Place

_AT = Place("at", before=100, after=280)
_EMAIL = re.compile(
    r"(?<![\w.+%-])[A-Za-z0-9](?:[\w.%+-]{0,62}[\w+-])?@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}(?![\w-])",
    re.ASCII,
)
_LOGIN = re.compile(r"(?<=://)[\w.~%!$&+,;=-]{1,64}:[^\s/@:]{1,64}(?=@[A-Za-z0-9\[])")
_NATIONAL = re.compile(
    r"""(?<![\w.+/=-])(?:
        (?:\+\d{1,3}[ .-]?|(?<!\d[ ])00[1-9]\d{0,2}[ .-])(?:\(\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,4}){1,4}
        | (?:1[ .-])?(?:\([2-9]\d\d\)[ ]?|[2-9]\d\d([.-]))[2-9]\d\d[.-]\d{4}
        | (?<!\d[ ])0\d{2,4}([ -])\d{3,4}\2\d{3,4}(?![ ]\d)
        | (?<!\d[ ])0[1-9]([ .-])\d\d(?:\3\d\d){3}(?![ ]\d) | (?<!\d[ ])0[1-9]\d\d(?:[ ]\d\d){3}(?![ ]\d)
        )(?:[ ]?(?:x|ext\.?)[ ]?\d{2,5})?(?![\w/]|[.-]\d)""",
    re.ASCII | re.VERBOSE,
)
_GROUPED = re.compile(r"(?<![\w.+/=-])[+(]{0,2}\d(?:[\d.()-]|[ ](?=[\d(])){5,22}\d(?:[ ]?(?:x|ext\.?)[ ]?\d{2,5})?(?![\w/]|[ .-]?\d)", re.ASCII)
_YEARS_OR_DATE = re.compile(r"(?:(?:1[5-9]|20)\d\d\D?){2,}$|(?:19|20)\d\d\D\d\d?\D\d\d?$|\d\d?\D\d\d?\D(?:19|20)\d\d$", re.ASCII)
_LABEL = re.compile(r"[ \t]?[-(,]?[ \t]?(?:office|fax|mobile|cell|home|work)\b", re.IGNORECASE)
_TELEPHONE_WORDS = ("phone", "tel.", "tel:", "tel ", "telephone", "cell", "mobile", "fax", "whatsapp", "call ", "dial ", "desk:", "direct:")
_CONTACT = behind(*_TELEPHONE_WORDS, "reach ", "contact", "answering", "messages to", "message to", "text me", "sms", "ring ")
_TELEPHONE = re.compile(behind(*_TELEPHONE_WORDS).pattern + r"[^\d{|]{0,20}\Z", re.IGNORECASE)
_REACH = 40
_NUMBER = Place("digits", before=4, after=32, min_digits=7)


def _num_digits(number: str) -> int:
    """Return the digits of a telephone number without its extension."""
    return sum(char.isdigit() for char in number.lower().split("x")[0])


def _national(match: re.Match[str]) -> int:
    return match.end() if 8 <= _num_digits(match[0]) <= 15 else 0


def _announced(match: re.Match[str]) -> int:
    """Accept what no year or date could be, if a label follows or a word for telephones precedes it, where it is not grouped at once."""
    if not 7 <= _num_digits(match[0]) <= 13 or _YEARS_OR_DATE.match(match[0]):
        return 0
    context = _TELEPHONE if match[0].isdigit() else _CONTACT
    announced = context.search(match.string, max(0, match.start() - _REACH), match.start())
    return match.end() if announced or _LABEL.match(match.string, match.end()) else 0


RULES = (
    Rule(kind="email", place=_AT, pattern=_EMAIL),
    Rule(kind="url_login", place=_AT, pattern=_LOGIN),
    Rule(kind="phone", place=_NUMBER, pattern=_NATIONAL, accept=_national),
    Rule(kind="phone", place=_NUMBER, pattern=_GROUPED, accept=_announced),
)
