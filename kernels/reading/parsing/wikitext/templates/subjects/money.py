"""Sums of money: a sign before the sum, or the code where a currency has none."""

import re

from kernels.reading.parsing.wikitext.templates.arguments import Arguments
from kernels.reading.parsing.wikitext.templates.subjects.places import is_country

_SIGNS: dict[str, str] = dict(
    (pair.split()[0], pair.split()[1])
    for pair in """
    USD US$,US$ US$,$ $,AUD A$,A$ A$,AU$ A$,CAD C$,C$ C$,CA$ C$,NZD NZ$,NZ$ NZ$,HKD HK$,HK$ HK$,SGD S$,S$ S$,TWD NT$,NT$ NT$,MXN MX$,BRL R$,
    R$ R$,ARS AR$,CLP CL$,COP COL$,UYU $U,FJD FJ$,JMD J$,TTD TT$,BBD BDS$,NAD N$,GBP £,£ £,EUR €,€ €,JPY ¥,¥ ¥,CNY CN¥,CN¥ CN¥,RMB CN¥,INR ₹,
    ₹ ₹,PKR ₨,LKR Rs.,NPR Rs.,MUR ₨,KRW ₩,KPW ₩,PHP ₱,RUB ₽,UAH ₴,VND ₫,NGN ₦,GHS GH₵,ILS ₪,THB ฿,KZT ₸,MNT ₮,LAK ₭,KHR ៛,CRC ₡,PYG ₲,
    AZN ₼,GEL ₾,BDT ৳,ZAR R,MYR RM,IDR Rp,KES KSh,TZS TSh,UGX USh,BTC ₿,BITCOIN ₿,EURO €,RS ₹,RUPEE ₹,YEN ¥,JAPANESE_YEN ¥,WON ₩,BAHT ฿,
    CANADIAN_DOLLAR C$,AUSTRALIAN_DOLLAR A$,NEW_ZEALAND_DOLLAR NZ$,INDIAN_RUPEE ₹,SOUTH_KOREAN_WON ₩,PHILIPPINE_PESO ₱,POUND_STERLING £
    """.replace("\n", "").split(",")
)  # fmt: skip
_SPELLED = frozenset(
    """
    CHF SEK NOK DKK ISK PLN CZK HUF RON BGN SAR AED QAR KWD BHD OMR EGP IRR IQD JOD ETB DEM FRF ITL ESP ATS NLG FIM BEF PTE GRD IEP ZWD
    """.split()  # noqa: SIM905
)
_SCALES = {"k": "thousand", "t": "trillion", "m": "million", "b": "billion", "l": "lakh", "c": "crore", "lc": "lakh crore", "tr": "trillion"}
_SUM = re.compile(r"[-\u2212]?[\d.,]+")


def _code(name: str) -> str:
    return name.strip().upper().replace(" ", "_")


def _sum(code: str, amount: str) -> str | None:
    if not amount:
        return None
    if sign := _SIGNS.get(code):
        return f"{sign}{amount}"
    return f"{code} {amount}" if code in _SPELLED else None


def _of_name(call: Arguments) -> str | None:
    """{{USD|4.2 million}}, {{USD|5|1950}} with the year of the dollars; without a sum the sign."""
    code = _code(call.name)
    if is_country(code) and (not call.first or re.fullmatch(r"\d{4}", call.first)):  # {{ESP}}, {{ESP|1939}}: Spain
        return None
    if not call.first:
        return _SIGNS.get(code, code)
    is_sum = any(character.isdecimal() for character in call.first) and (not call.value(2) or call.value(2).isdecimal())
    return _sum(code, call.first) if is_sum else None


def _of_sign(call: Arguments) -> str:
    """{{\u20b1|6}}."""
    return call.name + call.first


def _currency(call: Arguments) -> str | None:
    """{{currency|90|EUR}}."""
    return _sum(_code(call.get("type") or call.value(2) or "USD"), call.get("amount") or call.value(1))


def _converted(call: Arguments) -> str | None:
    """{{INRConvert|5|c}}: the sum itself; what it is worth elsewhere changes by the day and is not told."""
    amount = call.value(1)
    if not _SUM.fullmatch(amount):
        return None
    scale = call.value(2).lower()
    scale = "" if scale.isdecimal() else _SCALES.get(scale, scale)
    if scale and scale not in _SCALES.values():
        return None
    return _sum(_code(call.name[:3]), f"{amount} {scale}".strip())


def _old_pounds(call: Arguments) -> str | None:
    """{{£sd|l=1|s=2|d=3}}."""
    parts = [
        f"\u00a3{call.get('l')}" if call.get("l") else "",
        f"{call.get('s')}s" if call.get("s") else "",
        f"{call.get('d')}d" if call.get("d") else "",
    ]
    return " ".join(part for part in parts if part) or None


RENDERERS = (
    dict.fromkeys((code.lower().replace("_", " ") for code in [*_SIGNS, *_SPELLED]), _of_name)
    | {sign: _of_sign for sign in _SIGNS.values() if len(sign) == 1 and not sign.isascii()}
    | {"currency": _currency}
    | dict.fromkeys((f"{code}convert" for code in ("inr", "jpy", "krw", "cny", "gbp", "nok", "php", "sek")), _converted)
    | dict.fromkeys(("\u00a3sd", "lsd", "pounds, shillings, and pence"), _old_pounds)
)  # fmt: skip
"""Renderers by the name of a template in lower case."""
