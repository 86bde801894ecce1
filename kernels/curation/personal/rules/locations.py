"""Rules for places on a map: coordinates, and street addresses in the United States with city, state and ZIP code."""

import re

from kernels.curation.personal.rules.rule import Rule, behind
from kernels.curation.personal.search_windows import Place

_STATES = (
    "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV "
    "WI WY DC AS GU MP PR VI AA AE AP"
)
_STATE = "(?:" + "|".join(_STATES.split()) + ")"
_STREET_WORDS = (
    "Street St Avenue Ave Road Rd Boulevard Blvd Lane Ln Drive Dr Court Ct Place Pl Square Sq Terrace Ter Parkway Pkwy Circle Cir Highway Hwy Way "
    "Trail Trl Plaza Alley Crescent Close"
)
_STREET = "(?:" + "|".join(_STREET_WORDS.split()) + r")\b\.?"
_UNIT = r"(?:,?[ \n](?:Apt|Apartment|Suite|Ste|Unit|Room|Rm|Floor|Fl)\.?[ ]\#?\w{1,6}|,?[ ]\#\w{1,6})"
_CITY = r"[A-Z][\w'.-]{1,30}(?:[ ][A-Z][\w'.-]{1,30}){0,2}"
_ZIP = rf"{_STATE},?[ ]\d{{5}}(?:-\d{{4}})?(?![\w-])"
_STREET_ADDRESS = re.compile(
    rf"(?<![\w.,/:$-])\d{{1,6}}[A-Z]?[ ](?!The[ ])(?:[NSEW]\.?[ ])?(?:[A-Z][\w'.-]{{0,30}}[ ]){{1,4}}?{_STREET}(?:[ ][NSEW]{{1,2}}\b)?{_UNIT}?"
    rf"(?:,?[ \n]{{1,2}}{_CITY},?[ \n]{{1,2}}{_ZIP})?"
)
_CITY_ZIP = re.compile(
    rf"(?<![\w-])(?:{_CITY},[ ]{_ZIP}|(?:PSC|CMR|UNIT|Unit)[ ]\d{{1,5}},?[ ]B(?:ox|OX)[ ]\d{{1,5}},?[ \n](?:[AFD]PO)[ ]A[AEP][ ]\d{{5}})"
)

_DECIMAL = r"[+-]?\d{1,3}\.\d{3,12}"
_PAIR = re.compile(rf"(?<![\w.,+-]){_DECIMAL}[ ]?[,;/ ][ ]?{_DECIMAL}(?![\w-]|[.,]\d)", re.ASCII)
_SECONDS = r"""(?:\d{1,2}(?:\.\d{1,6})?[ ]?(?:["″”]|'')[ ]?)?"""
_MINUTES = rf"(?:\d{{1,2}}(?:\.\d{{1,6}})?[ ]?['′’][ ]?{_SECONDS})?"
_DEGREE = rf"(?:\.\d{{1,12}})?[ ]?[°º][ ]?{_MINUTES}"
_DEGREES = re.compile(rf"(?<![\w.-])\d{{1,2}}{_DEGREE}[NS][ ,;/]{{1,3}}\d{{1,3}}{_DEGREE}[EWO]\b")
_LETTERED_PAIR = re.compile(r"(?<![\w.-])\d{1,2}\.\d{2,12}[ ]?[NS][ ,;/]{1,3}\d{1,3}\.\d{2,12}[ ]?[EW]\b", re.ASCII)
_MAP = behind("coordinates", "lat", "gps", "geo", "located", "location", "position", "koordin", "tọa độ")


def _on_earth(match: re.Match[str]) -> int:
    """Accept a latitude of at most 90 degrees and a longitude of at most 180."""
    latitude, longitude = (abs(float(number)) for number in re.findall(r"\d+\.\d+", match[0]))
    return match.end() if latitude <= 90 and longitude <= 180 else 0


def _on_globe(match: re.Match[str]) -> int:
    latitude, longitude = re.split(r"[NS]", match[0], maxsplit=1)
    degrees = [float(number[0]) for half in (latitude, longitude) if (number := re.search(r"\d+(?:\.\d+)?", half))]
    return match.end() if degrees[0] <= 90 and degrees[1] <= 180 else 0


RULES = (
    Rule(kind="coordinates", place=Place("degree", before=24, after=80), pattern=_DEGREES, accept=_on_globe),
    Rule(kind="coordinates", place=Place("digits", before=4, after=48, min_digits=6), pattern=_LETTERED_PAIR, accept=_on_globe),
    Rule(kind="coordinates", place=Place("digits", before=4, after=32, min_digits=8), pattern=_PAIR, accept=_on_earth, context=_MAP),
    Rule(kind="address", place=Place("numbered", before=2, after=240), pattern=_STREET_ADDRESS),
    Rule(kind="address", place=Place("numbered", before=100, after=16), pattern=_CITY_ZIP),
)
