"""Personal data, masked by typed placeholders: e-mail, phone, public IPv4, payment card, IBAN and US social security number.

Candidates come from regular expressions that favour precision, and are checked by what the format itself guarantees: Luhn
(ISO/IEC 7812-1), modulo 97 and length by country (ISO 13616), issuer prefixes, public address space. Nothing is ever dropped.
"""

import ipaddress
import re
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import Field

from kernels.filters.batch import TextBatch
from kernels.specs import Config, Filter, Outcome

if TYPE_CHECKING:
    import polars as pl

Kind = Literal["email", "phone", "ip", "card", "iban", "ssn"]


class PersonalDataConfig(Config):
    """What to mask."""

    kinds: tuple[Kind, ...] = Field(min_length=1)
    """Kinds of personal data; each becomes its placeholder, such as <EMAIL>."""


class _Rule(NamedTuple):
    hint: str
    """A cheap expression (Rust syntax) that every text with a candidate matches."""
    pattern: re.Pattern[str]
    replace: Callable[[re.Match[str]], str]


_EMAIL = re.compile(
    r"(?<![\w.+%-])[A-Za-z0-9](?:[\w.%+-]{0,62}[\w+-])?@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}(?![\w-])",
    re.ASCII,
)
_IP = re.compile(r"(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)", re.ASCII)
_CARD = re.compile(r"(?<![\w.+-])(?:\d{14,16}|\d{19}|\d{4}([ -])\d{4}\1\d{4}\1\d{4}|\d{4}([ -])\d{6}\2\d{4,5})(?![\w-]|\.\d)", re.ASCII)
_ISSUER = re.compile(
    r"(?:4\d{15}(?:\d{3})?|(?:1800|2131)\d{11}|(?:5[1-5]|35|65)\d{14}|(?:6011|64[4-9]\d|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720))\d{12}"
    r"|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11})$"
)
_SSN = re.compile(r"(?<![\w.+-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])", re.ASCII)
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}")
_PHONE = re.compile(
    r"""(?<![\w.+/=-])(?:
        \+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,4}){1,4}
        | (?:1[ .-])?(?:\([2-9]\d\d\)[ ]?|[2-9]\d\d([.-]))[2-9]\d\d[.-]\d{4}
        | (?<!\d[ ])0\d{2,4}([ -])\d{3,4}\2\d{3,4}(?![ ]\d)
        | (?<!\d[ ])0[1-9]([ .-])\d\d(?:\3\d\d){3}(?![ ]\d) | (?<!\d[ ])0[1-9]\d\d(?:[ ]\d\d){3}(?![ ]\d)
        | (?<=[Tt]el\s)\d{8,12} | (?<=[Tt]el:\s)\d{8,12} | (?<=[Pp]hone\s)\d{8,12} | (?<=[Pp]hone:\s)\d{8,12} | (?<=[Ff]ax:\s)\d{8,12}
        )(?:[ ]?(?:x|ext\.?)[ ]?\d{2,5})?(?![\w/]|[.-]\d)""",
    re.ASCII | re.VERBOSE,
)
_VERSION_WORD = re.compile(r"(?:version|release|build|firmware|section|chapter|ver\.?|rev\.?)[\s:]*$", re.IGNORECASE)
_IBAN_CHARS = {
    country: int(length)
    for length, countries in (
        line.split(":")
        for line in (
            "15:NO",
            "16:BE",
            "18:DK FI FO GL NL SD",
            "19:MK SI",
            "20:AT BA EE KZ LT LU XK MN",
            "21:CH HR LI LV",
            "22:BG BH CR DE GB GE IE IQ ME RS VA",
            "23:AE GI IL OM SO TL",
            "24:AD CZ ES MD PK RO SA SE SK TN VG",
            "25:LY PT ST",
            "26:IS TR",
            "27:BI DJ FR GR IT MC MR SM",
            "28:AL AZ BY CY DO GT HU LB PL SV NI",
            "29:BR EG PS QA UA",
            "30:JO KW MU",
            "31:MT SC",
            "32:LC",
            "33:RU",
        )
    )
    for country in countries.split()
}


def _is_luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(map(int, reversed(digits))):
        total += digit if place % 2 == 0 else (2 * digit - 9 if digit > 4 else 2 * digit)
    return total % 10 == 0


def _placeholder(placeholder: str, match: re.Match[str]) -> str:
    return placeholder


def _mask_card(match: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", match[0])
    return "<CARD>" if _ISSUER.match(digits) and _is_luhn(digits) else match[0]


def _mask_iban(match: re.Match[str]) -> str:
    """Mask the account's own characters; the expression may have run on into the words behind it."""
    text = match[0]
    length = _IBAN_CHARS.get(text[:2])
    places = [place for place, char in enumerate(text) if char != " "]
    if length is None or len(places) < length:
        return text
    end = places[length - 1] + 1
    following = match.string[match.start() + end : match.start() + end + 1]
    compact = text[:end].replace(" ", "")
    number = "".join(str(int(char, 36)) for char in compact[4:] + compact[:4])
    return "<IBAN>" + text[end:] if int(number) % 97 == 1 and not following.isalnum() else text


def _mask_ip(match: re.Match[str]) -> str:
    """Leave private and invalid addresses, version numbers, and section numbers (four single digits)."""
    try:
        address = ipaddress.IPv4Address(match[0])
    except ValueError:
        return match[0]
    before = match.string[max(0, match.start() - 12) : match.start()]
    if not address.is_global or len(match[0]) == 7 or _VERSION_WORD.search(before):
        return match[0]
    return "<IP>"


def _mask_phone(match: re.Match[str]) -> str:
    num_digits = sum(char.isdigit() for char in match[0].lower().split("x")[0])
    return "<PHONE>" if 8 <= num_digits <= 15 else match[0]


# In the order of application: the stricter formats first, so that no phone number is found inside an account number.
_RULES: dict[Kind, _Rule] = {
    "email": _Rule(r"\w@\w", _EMAIL, partial(_placeholder, "<EMAIL>")),
    "iban": _Rule(r"[A-Z]{2}\d{2} ?[A-Z0-9]", _IBAN, _mask_iban),
    "card": _Rule(r"\d{4}[ -]?\d{4}", _CARD, _mask_card),
    "ssn": _Rule(r"\d{3}-\d{2}-\d{4}", _SSN, partial(_placeholder, "<SSN>")),
    "ip": _Rule(r"\d\.\d{1,3}\.\d{1,3}\.\d", _IP, _mask_ip),
    "phone": _Rule(r"\+\d{1,3}[ .(-]?\d|\d{3}\)? ?[ .-]?\d{3,4}[ .-]\d{3,4}|0\d{1,3}[ .-]\d\d[ .-]\d\d|\d{8}", _PHONE, _mask_phone),
}


def mask(texts: "pl.Series", kinds: tuple[Kind, ...]) -> "pl.Series":
    """Return N texts with the personal data of these kinds replaced by placeholders."""
    import polars as pl

    for kind, rule in _RULES.items():
        if kind not in kinds:
            continue
        hits = texts.str.contains(rule.hint).arg_true()
        if len(hits):
            masked = [rule.pattern.sub(rule.replace, text) for text in texts.gather(hits)]
            texts = texts.clone().scatter(hits, pl.Series(masked, dtype=pl.String))
    return texts


def apply(batch: TextBatch, config: PersonalDataConfig) -> Outcome:
    """Mask the configured kinds; every text is kept."""
    import polars as pl

    masked = mask(batch.text, config.kinds)
    kept = [None] * len(batch.text)
    return Outcome(masked, pl.Series("reason", kept, dtype=pl.String), pl.Series("value", kept, dtype=pl.Float64))


SPEC = Filter(name="personal_data", version=1, config=PersonalDataConfig, apply=apply)
