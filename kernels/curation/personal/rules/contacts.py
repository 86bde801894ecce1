"""Rules for telephone numbers and log-in data inside web addresses.

Telephone numbers are recognised by the ways in which countries group them; a number grouped otherwise counts only shortly behind a word
that announces one, and a Chinese mobile number behind Chinese characters.
"""

import re
from dataclasses import dataclass
from typing import Literal

from kernels.curation.personal.rules.rule import AFTER, BEFORE, BEFORE_FIRST, Rule, behind
from kernels.curation.personal.search_windows import Place

_LOGIN = re.compile(r"[^\s/@:\"'<>`]{0,128}:[^\s/\"'<>`]{1,256}")
_LOGIN_REACH = 400
_AT = Place("at", before=0, after=1)
_EXTENSION = r"(?:[ ]?[,;]?[ ]?(?:[xX]|[eE][xX][tT](?:ension|n)?[.:=]?|[#])[ ]?\d{1,6})?"
_NATIONAL = re.compile(
    rf"""{BEFORE}(?:
        (?:\+\d{{1,3}}[ .-]?|\(\+\d{{1,3}}\)[ ]?|(?<!\d[ ])00[1-9]\d{{0,2}}[ .-])(?:\(\d{{1,4}}\)[ .-]?)?\d{{1,4}}(?:[ .-]?\d{{2,4}}){{1,4}}
        | (?:1[ .-])?(?:\([2-9]\d\d\)[ ]?|[2-9]\d\d([.-]))[2-9]\d\d[.-]\d{{4}}
        | (?<!\d[ ])0\d{{2,4}}([ -])\d{{3,4}}\2\d{{3,4}}(?![ ]\d)
        | (?<!\d[ ])0[1-9]([ .-])\d\d(?:\3\d\d){{3}}(?![ ]\d) | (?<!\d[ ])0[1-9]\d\d(?:[ ]\d\d){{3}}(?![ ]\d)
        )(?!\d){_EXTENSION}{AFTER}""",
    re.ASCII | re.VERBOSE,
)
_GROUPED = re.compile(
    rf"[+(0-9]{BEFORE_FIRST}(?:(?<=\d)|[+(]?\d)(?:[\d.()-]|[ ](?=[\d(])){{5,22}}\d(?![ .-]?\d){_EXTENSION}(?![0-9A-Za-z_/]|[ .-]?\d)", re.ASCII
)
_CHINESE_MOBILE = re.compile(rf"1{BEFORE_FIRST}[3-9]\d(?:\d{{8}}|[ -]\d{{4}}[ -]\d{{4}}){AFTER}", re.ASCII)
_CHINESE = re.compile("[\u4e00-\u9fff]")
_YEARS_OR_DATE = re.compile(r"(?:(?:1[5-9]|20)\d\d\D?){2,}$|(?:19|20)\d\d\D\d\d?\D\d\d?$|\d\d?\D\d\d?\D(?:19|20)\d\d$", re.ASCII)
_LABEL = re.compile(r"[ \t]?[-(,]?[ \t]?(?:office|fax|mobile|cell|home|work)\b", re.IGNORECASE)
_TELEPHONE_WORDS = (
    *("phone", "tel.", "tel:", "tel ", "tel=", "telephone", "cell", "mobile", "fax", "whatsapp", "call ", "dial ", "desk:", "direct:", "hotline"),
    *("tél", "telefon", "teléfono", "teléf", "móvil", "telefone", "celular", "cellulare", "portable", "handy", "rufnummer"),
    *(
        "điện thoại",
        "dien thoai",
        "sđt",
        "sdt",
        "đt ",
        "đt:",
        "zalo",
        "di động",
        "тел",
        "моб",
        "电话",
        "電話",
        "手机",
        "手機",
        "携帯",
        "전화",
        "휴대폰",
    ),
)
_CONTACT = behind(*_TELEPHONE_WORDS, "reach ", "contact", "answering", "messages to", "message to", "text me", "sms", "ring ")
_TELEPHONE = re.compile(behind(*_TELEPHONE_WORDS).pattern + r"[^\d{|]{0,20}\Z", re.IGNORECASE)
_EXTENDED = re.compile(r"[x#e]")
_REACH = 40
_NUMBER = Place("digits", before=4, after=32, min_digits=7)


def _num_digits(number: str) -> int:
    """Return the digits of a telephone number without its extension."""
    return sum(map(str.isdigit, _EXTENDED.split(number.lower(), maxsplit=1)[0]))


def _national(match: re.Match[str]) -> int:
    return match.end() if 8 <= _num_digits(match[0]) <= 15 else 0


def _announced(match: re.Match[str]) -> int:
    """Accept what no year or date could be, if a label follows or a word for telephones precedes it, where it is not grouped at once."""
    if not 7 <= _num_digits(match[0]) <= 13 or _YEARS_OR_DATE.match(match[0]):
        return 0
    context = _TELEPHONE if match[0].isdigit() else _CONTACT
    announced = context.search(match.string, max(0, match.start() - _REACH), match.start())
    return match.end() if announced or _LABEL.match(match.string, match.end()) else 0


@dataclass(frozen=True)
class Logins:
    """Names with passwords before the host of a web address."""

    kind: Literal["url_login"] = "url_login"
    place: Place = _AT

    def find(self, text: str, start: int, end: int) -> list[tuple[int, int]]:
        """Return logins (first character, end) whose at sign stands in a window of a text; they begin before it."""
        found: list[tuple[int, int]] = []
        at = text.find("@", start, end)
        while at >= 0:
            slashes = text.rfind("://", max(0, at - _LOGIN_REACH), at)
            if slashes >= 0 and _LOGIN.fullmatch(text, slashes + 3, at):
                found.append((slashes + 3, at))
            at = text.find("@", at + 1, end)
        return found


RULES = (
    Logins(),
    Rule(kind="phone", place=_NUMBER, pattern=_NATIONAL, accept=_national),
    Rule(kind="phone", place=_NUMBER, pattern=_CHINESE_MOBILE, context=_CHINESE),
    Rule(kind="phone", place=_NUMBER, pattern=_GROUPED, accept=_announced),
)
