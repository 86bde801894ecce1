"""Surrogates of national numbers: from blocks that are never issued where there are such, and with valid check characters."""

from collections.abc import Callable
from random import Random

from kernels.curation.personal import checksums
from kernels.curation.personal.spans import Kind

_DIGITS = "0123456789"


def _digits(dice: Random, count: int) -> str:
    return "".join(dice.choice(_DIGITS) for _ in range(count))


def _birthday(dice: Random) -> str:
    """Return year, month and day of a birth, eight digits."""
    return f"{dice.randrange(1940, 2000)}{dice.randrange(1, 13):02d}{dice.randrange(1, 29):02d}"


def _ssn(plain: str, dice: Random) -> str:
    """Area 666 is never assigned."""
    return f"666{dice.randrange(1, 100):02d}{dice.randrange(1, 10000):04d}"


def _itin(plain: str, dice: Random) -> str:
    """Group 93 is never assigned."""
    return "90093" + _digits(dice, 4)


def _nhs(plain: str, dice: Random) -> str:
    """Numbers that begin with 999 are for tests. One body in eleven has no check digit and is drawn anew."""
    while True:
        body = "999" + _digits(dice, 6)
        if any(checksums.nhs(body + digit) for digit in _DIGITS):
            return checksums.complete(body, _DIGITS, checksums.nhs)


def _steuer_id(plain: str, dice: Random) -> str:
    chosen = dice.sample(_DIGITS, 9)
    body = [*chosen[1:], dice.choice(chosen[1:])]
    dice.shuffle(body)
    first = chosen[0] if chosen[0] != "0" else next(digit for digit in _DIGITS[1:] if digit not in chosen)
    return checksums.complete(first + "".join(body), _DIGITS, checksums.steuer_id)


def _nir(plain: str, dice: Random) -> str:
    """Department 99 is abroad, municipality 999 is none."""
    body = f"{plain[0]}{_digits(dice, 2)}{dice.randrange(1, 13):02d}99999{_digits(dice, 3)}"
    return body + f"{97 - int(body) % 97:02d}"


def _dni(plain: str, dice: Random) -> str:
    body = (plain[0] if plain[0] in "XYZ" else _digits(dice, 1)) + _digits(dice, 7)
    return checksums.complete(body, "TRWAGMYFPDXBNJZSQVHLCKE", checksums.dni)


def _codice_fiscale(plain: str, dice: Random) -> str:
    """Place code Z999 is none."""
    letters = "".join(dice.choice("BCDFGLMNPRSTVZ") for _ in range(6))
    body = f"{letters}{_digits(dice, 2)}{dice.choice('ABCDEHLMPRST')}{dice.randrange(1, 29):02d}Z999"
    return checksums.complete(body, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", checksums.codice_fiscale)


def _resident_id(plain: str, dice: Random) -> str:
    """Region 990101 is none."""
    return checksums.complete(f"990101{_birthday(dice)}{_digits(dice, 3)}", "0123456789X", checksums.resident_id)


def _cpf(plain: str, dice: Random) -> str:
    body = f"{dice.randrange(1, 999_999_998):09d}"
    return next(body + f"{check:02d}" for check in range(100) if checksums.cpf(body + f"{check:02d}"))


def _aadhaar(plain: str, dice: Random) -> str:
    return checksums.complete(str(dice.randrange(2, 10)) + _digits(dice, 10), _DIGITS, checksums.verhoeff)


IDENTITIES: dict[Kind, Callable[[str, Random], str]] = {
    "ssn": _ssn,
    "itin": _itin,
    "nhs": _nhs,
    "nino": lambda plain, dice: "QQ" + _digits(dice, 6) + dice.choice("ABCD"),
    "steuer_id": _steuer_id,
    "nir": _nir,
    "dni": _dni,
    "codice_fiscale": _codice_fiscale,
    "resident_id": _resident_id,
    "cpf": _cpf,
    "aadhaar": _aadhaar,
    "cccd": lambda plain, dice: "001" + str(dice.randrange(4)) + _digits(dice, 8),
}
"""How each is made of the original's letters and digits and of dice."""
