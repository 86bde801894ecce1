"""Plausible values that replace personal data: the same surrogate for the same value and seed, wherever it stands, in the original's layout.

Addresses come from ranges set aside for documentation and fiction (RFC 2606, 5737, 3849, 7042; telephone 555-0100 to 0199, for Britain
Ofcom's 07700 900xxx), numbers have valid check characters. Distinct values may share a surrogate, and whoever knows the seed can find a
number by trying all: surrogates keep data usable, tokens keep it secret.
"""

import re
from collections.abc import Callable
from hashlib import blake2b
from random import Random

from kernels.curation.personal import checksums
from kernels.curation.personal.identity_surrogates import IDENTITIES
from kernels.curation.personal.spans import Kind
from kernels.curation.personal.values import canonical

_NAMES = (
    "Addison Arden Ashley Aubrey Avery Bailey Blair Blake Brooks Cameron Campbell Carson Carter Casey Chandler Cooper Dakota Dallas Drew Ellis "
    "Emerson Finley Gray Greer Harley Harper Hayden Hunter Jackson Jordan Kelly Kendall Kennedy Kerry Lane Lee Logan London Mason Morgan Murphy "
    "Parker Payton Perry Porter Quinn Reagan Reed Reese Riley Robin Rowan Ryan Sawyer Shannon Shelby Sidney Skyler Spencer Sterling Taylor Tracy "
    "Wallace Wesley"
)
NAMES = _NAMES.split()
"""Each serves as given name and as family name, so that a person called by either stays the same."""
_PLACES = (
    "Ashford Bridgewater Brookfield Cedarville Clearwater Eastbrook Elmwood Fairview Glenwood Greenfield Hillcrest Kingsbury Lakeside Lindenhurst "
    "Maplewood Meadowvale Milford Northfield Oakdale Pinehurst Ridgeway Riverton Rockport Silverlake Southgate Springdale Stonebridge Summerfield "
    "Westbrook Willowdale Winfield Woodstock"
)
PLACES = _PLACES.split()
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
_TEST_CARDS = {"2": "222300", "3": "378282", "4": "400000", "5": "555555"}


def surrogate(kind: Kind, value: str, seed: int) -> str:
    """Return the value that replaces one of a kind."""
    plain = canonical(kind, value)
    dice = _dice(kind, plain, seed)
    if kind == "person":
        return _person(value, seed)
    if kind in _FREE:
        return _FREE[kind](value, dice)
    if kind == "phone":
        return _lay_out(value, _phone(plain, dice))
    return _lay_out(value, (_NUMBERS.get(kind) or IDENTITIES.get(kind) or _same_classes)(plain, dice))


def _dice(kind: Kind, plain: str, seed: int) -> Random:
    return Random(int.from_bytes(blake2b(f"{seed}\0{kind}\0{plain}".encode(), digest_size=16).digest(), "big"))


def _lay_out(value: str, chars: str) -> str:
    """Return a value with its letters and digits replaced in turn, upper and lower case kept, and what is beyond them (an extension)."""
    fresh = iter(chars)
    return "".join(_like(char, next(fresh, char)) if char.isalnum() else char for char in value)


def _like(old: str, new: str) -> str:
    return new.lower() if old.islower() else new


def _same_classes(plain: str, dice: Random) -> str:
    """Return letters for letters and digits for digits."""
    return "".join(dice.choice("0123456789" if char.isdigit() else "ABCDEFGHJKLMNPQRSTUVWXYZ") for char in plain)


def _digits(dice: Random, count: int) -> str:
    return "".join(dice.choice("0123456789") for _ in range(count))


def _phone(plain: str, dice: Random) -> str:
    """Keep what leads to the country and the network outside North America; Britain has numbers for fiction of its own."""
    if plain.startswith("44") and len(plain) == 12:
        return "447700900" + _digits(dice, 3)
    if (len(plain) == 10 and plain[0] not in "01") or (len(plain) == 11 and plain[0] == "1"):
        return plain[:-10] + str(dice.randrange(201, 990)) + "55501" + _digits(dice, 2)
    return plain[:-7] + "55501" + _digits(dice, 2) if len(plain) >= 7 else _digits(dice, len(plain))


def _card(plain: str, dice: Random) -> str:
    body = _TEST_CARDS.get(plain[0], "601111") + _digits(dice, len(plain) - 7)
    return checksums.complete(body, "0123456789", checksums.luhn)


def _iban(plain: str, dice: Random) -> str:
    """Return an account of the same country at a bank that does not exist: letters spell TEST, all digits but the last eight are 0."""
    letters = iter("TEST" * len(plain))
    account = plain[4:]
    zeros = len(account) - 8
    body = "".join(next(letters) if char.isalpha() else "0" if place < zeros else dice.choice("0123456789") for place, char in enumerate(account))
    return checksums.with_mod97(plain[:2] + body)


def _email(value: str, dice: Random) -> str:
    return f"{dice.choice(NAMES)}.{dice.choice(NAMES)}{_digits(dice, 4)}@example.org".lower()


def _ip(value: str, dice: Random) -> str:
    if ":" in value:
        return "2001:db8:" + ":".join(f"{dice.randrange(1, 1 << 16):x}" for _ in range(6))
    return f"{dice.choice(['192.0.2', '198.51.100', '203.0.113'])}.{dice.randrange(1, 255)}"


def _coordinates(value: str, dice: Random) -> str:
    """Redraw every number: whole ones below 60, which degrees, minutes and seconds all allow."""
    return re.sub(r"\d+(?:\.(\d+))?", lambda match: str(dice.randrange(60)) + (f".{_digits(dice, len(match[1]))}" if match[1] else ""), value)


def _birth_date(value: str, dice: Random) -> str:
    """Redraw years, month names, and days and months as 4 to 12, which both may be."""

    def number(match: re.Match[str]) -> str:
        if len(match[1]) == 4:
            return str(dice.randrange(1940, 2000))
        return f"{dice.randrange(4, 13):0{len(match[1]) if is_numeric else 1}d}" + ("th" if match[2] else "")

    is_numeric = not re.search(r"[A-Z]", value)
    named = re.sub(r"[A-Z][a-z]{2,8}", lambda match: dice.choice(_MONTHS)[: 3 if len(match[0]) == 3 else 9], value)
    return re.sub(r"(\d+)(st|nd|rd|th)?", number, named)


def _address(value: str, dice: Random) -> str:
    """Return a street address, with a city and the unassigned ZIP code 00000 where there was a ZIP code."""
    street = f"{dice.randrange(1, 1000)} {dice.choice(PLACES)} Street"
    city = f"{dice.choice(PLACES)}, KS 00000"
    if not re.search(r"\d{5}(?:-\d{4})?$", value):
        return street
    return f"{street}, {city}" if value[0].isdigit() else city


def _person(value: str, seed: int) -> str:
    """Replace each word by a name of its own, so that a person is the same by full name and by family name."""
    return re.sub(r"[^\W\d_][\w'’-]*", lambda match: _dice("person", match[0].casefold(), seed).choice(NAMES), value)


_FREE: dict[Kind, Callable[[str, Random], str]] = {
    "email": _email,
    "ip": _ip,
    "coordinates": _coordinates,
    "birth_date": _birth_date,
    "address": _address,
    "url_login": lambda value, dice: f"user{_digits(dice, 6)}:password",
    "place": lambda value, dice: dice.choice(PLACES),
    "organisation": lambda value, dice: f"{dice.choice(NAMES)} {dice.choice(['Group', 'Partners', 'Works', 'Company', 'Institute'])}",
}
_NUMBERS: dict[Kind, Callable[[str, Random], str]] = {
    "card": _card,
    "iban": _iban,
    "mac": lambda plain, dice: "00005E0053" + f"{dice.randrange(256):02X}",
    "wallet": lambda plain, dice: plain[:3] + _same_classes(plain[3:], dice),
}
