"""Rules for payment cards, IBANs and cryptocurrency addresses.

Cards pass the Luhn check and bear the prefix of an issuer of that length (ISO/IEC 7812); IBANs have their country's length (ISO 13616)
and a remainder of 1 by 97; Bitcoin addresses carry a checksum of base 58 or bech32, Ethereum addresses their fixed form.
"""

import re

from kernels.curation.personal import checksums
from kernels.curation.personal.rules.rule import BEFORE, Rule, behind, checked
from kernels.curation.personal.search_windows import Place

_GAP = r"(?:[ ._/-]|[ ]{2,3}|[ ]-[ ])"
_CARD_GROUPS = (
    rf"\d{{12,16}}|\d{{19}}|\d{{4}}(?P<a>{_GAP})\d{{4}}(?P=a)\d{{4}}(?:(?P=a)\d{{4}}(?:(?P=a)\d{{3}})?)?|\d{{4}}(?P<b>{_GAP})\d{{6}}(?P=b)\d{{4,5}}"
    r"|\d{4}(?:[ -]\d{4}){3}|\d{8}[ -]\d{8}"
)
_CARD = re.compile(rf"{BEFORE}(?:{_CARD_GROUPS})(?![0-9A-Za-z]|[._-]\d)", re.ASCII)
_ANY_CARD = re.compile(r"\d(?<![0-9].)(?<![0-9][.+_-].)(?:[ ._/,:-]{0,2}\d){11,18}(?![0-9A-Za-z]|[._-]\d)", re.ASCII)
_ISSUER = re.compile(
    r"(?:4\d{15}(?:\d{3})?|(?:1800|2131)\d{11}|(?:5[1-5]|35|65)\d{14}|(?:6011|64[4-9]\d|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720))\d{12}"
    r"|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{8}(?:\d{4})?|62\d{14})$"
)
_CALLED_CARD = behind("card", "cc ", "cc:", "cc#", "cc=", "carte", "karte", "tarjeta", "thẻ", "卡号", "卡號", "visa", "mastercard", "maestro", "amex")
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
_IBAN = re.compile(r"[A-Za-z]{2}\d{2}", re.ASCII)
_REST = re.compile(r"(?:[ ._-]{0,2}[A-Za-z0-9]){11,30}", re.ASCII)
_NOT_ALNUM = re.compile(r"[^0-9A-Z]")
_WALLET = re.compile(r"(?<![0-9A-Za-z/_-])(?:[13][1-9A-HJ-NP-Za-km-z]{25,34}|(?:bc1|BC1)[0-9A-Za-z]{11,71}|0x[0-9A-Fa-f]{40})(?![0-9A-Za-z_-])")


def _is_announced_card(digits: str) -> bool:
    """Say the same of a number called a card: Visa's old 13 digits and all of Maestro's ranges count too."""
    return checksums.luhn(digits) and (
        is_card(digits) or (digits[0] == "4" and len(digits) == 13) or digits[:2] in ("06", "50", "56", "57", "58", "63", "67")
    )


def is_card(digits: str) -> bool:
    """Say whether an issuer gives out numbers like this one, and its check digit is right."""
    return _ISSUER.match(digits) is not None and checksums.luhn(digits)


def _iban(match: re.Match[str]) -> int:
    """Return the end of an account that begins with a country and check digits, each character parted from the next by two signs at most."""
    text, start = match.string, match.start()
    length = _IBAN_CHARS.get(match[0][:2].upper())
    if length is None or not (rest := _REST.match(text, match.end())):
        return 0
    if text[start - 1 : start].isalnum() and text[max(0, start - 4) : start].upper() != "IBAN":
        return 0
    places = [place for place in range(start, rest.end()) if text[place].isalnum()]
    if len(places) < length or text[(end := places[length - 1] + 1) : end + 1].isalnum():
        return 0
    return end if checksums.mod97(_NOT_ALNUM.sub("", text[start:end].upper())) else 0


def _wallet(match: re.Match[str]) -> int:
    address = match[0]
    if address[0] in "13":
        return match.end() if checksums.base58check(address) else 0
    return match.end() if address[1] == "x" or checksums.bech32(address) else 0


_CARD_PLACE = Place("digits", before=2, after=4, min_digits=12)
RULES = (
    Rule(kind="card", place=_CARD_PLACE, pattern=_CARD, accept=checked(is_card)),
    Rule(kind="card", place=_CARD_PLACE, pattern=_ANY_CARD, accept=checked(_is_announced_card), context=_CALLED_CARD),
    Rule(kind="iban", place=Place("account", before=2, after=72), pattern=_IBAN, accept=_iban),
    Rule(kind="wallet", place=Place("long_word", before=0, after=80), pattern=_WALLET, accept=_wallet),
)
