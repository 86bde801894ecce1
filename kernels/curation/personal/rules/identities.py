"""Rules for national identity, tax, social security and health numbers, passports, driving licences and dates of birth.

A number that its own form and check characters single out counts wherever it stands; one that any row of digits could be (unseparated,
or without a check) counts only shortly behind words that announce it.
"""

import re
from collections.abc import Callable

from kernels.curation.personal import checksums
from kernels.curation.personal.rules.rule import AFTER, BEFORE, Rule, checked, next_behind
from kernels.curation.personal.search_windows import Place
from kernels.curation.personal.spans import RuleKind

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.?"
_DAY = r"\d\d?(?:st|nd|rd|th)?"
_DATE = rf"\d{{4}}[-/.]\d\d?[-/.]\d\d?|\d\d?[-/.]\d\d?[-/.]\d{{4}}|{_DAY}(?: of)? {_MONTH},? \d{{4}}|{_MONTH} {_DAY},? \d{{4}}"


def _number(pattern: str) -> re.Pattern[str]:
    """Return an expression for a number that stands alone."""
    return re.compile(rf"{BEFORE}(?:{pattern}){AFTER}", re.ASCII)


def _digits(least: int) -> Place:
    return Place("digits", before=8, after=8, min_digits=least)


def _lettered(least: int) -> Place:
    return Place("lettered", before=8, after=8, min_digits=least)


def _own(kind: RuleKind, place: Place, pattern: str, is_valid: Callable[[str], bool] = lambda number: True) -> Rule:
    """Return a rule for numbers that their form gives away."""
    return Rule(kind=kind, place=place, pattern=_number(pattern), accept=checked(is_valid))


def _announced(kind: RuleKind, place: Place, pattern: str, words: tuple[str, ...], is_valid: Callable[[str], bool] = lambda number: True) -> Rule:
    """Return a rule for numbers that count only behind a word."""
    return Rule(kind=kind, place=place, pattern=_number(pattern), accept=checked(is_valid), context=next_behind(*words), reach=60)


def _is_grouped_aadhaar(digits: str) -> bool:
    """Four groups of four that could be years are no Aadhaar number."""
    return not all(digits[start : start + 2] in ("19", "20") for start in (0, 4, 8)) and checksums.verhoeff(digits)


UNITED_STATES = (
    _own("ssn", _digits(9), r"(?!000|666|9)\d{3}-(?!00)\d\d-(?!0000)\d{4}"),
    _announced("ssn", _digits(9), r"(?!000|666|9)\d{3}([ .-]?)(?!00)\d\d\1(?!0000)\d{4}", ("ssn", "social security", "soc sec")),
    _own("itin", _digits(9), r"9\d\d-(?:5\d|6[0-5]|7\d|8[0-8]|9[0-24-9])-\d{4}"),
    _announced("itin", _digits(9), r"9\d\d([ .-]?)(?:5\d|6[0-5]|7\d|8[0-8]|9[0-24-9])\1\d{4}", ("itin", "taxpayer", "tax id")),
)
EUROPE = (
    _announced("nhs", _digits(10), r"\d{3}([ -]?)\d{3}\1\d{4}", ("nhs", "health service", "patient"), checksums.nhs),
    _own("nino", _digits(6), r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]( ?)\d\d\1\d\d\1\d\d\1[A-D]"),
    _announced(
        "steuer_id",
        _digits(11),
        r"[1-9]\d( ?)\d{3}\1\d{3}\1\d{3}",
        ("steuer", "identifikationsnummer", "idnr", "id-nr", "tin", "tax"),
        checksums.steuer_id,
    ),
    _own("nir", _digits(14), r"[12]( ?)\d\d\1(?:0[1-9]|1[0-2]|[2-4]\d|5\d|[6-9]\d)\1(?:\d\d|2[AB])\1\d{3}\1\d{3}\1\d\d", checksums.nir),
    _own("dni", _digits(7), r"(?:\d{8}|[XYZ]-?\d{7})-?[TRWAGMYFPDXBNJZSQVHLCKE]", checksums.dni),
    _own(
        "codice_fiscale",
        _lettered(4),
        r"[A-Z]{6}[0-9LMNP-V]{2}[ABCDEHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]",
        checksums.codice_fiscale,
    ),
)
OTHERS = (
    _own("aadhaar", _digits(12), r"(?<!\d[ -])[2-9]\d{3}([ -])\d{4}\1\d{4}(?![ -]\d)", _is_grouped_aadhaar),
    _announced("aadhaar", _digits(12), r"[2-9]\d{11}", ("aadhaar", "aadhar", "uidai", "uid"), checksums.verhoeff),
    _own(
        "resident_id",
        _digits(17),
        r"[1-9]\d{5}(?:18|19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[0-9Xx]",
        checksums.resident_id,
    ),
    _own("cpf", _digits(11), r"\d{3}\.\d{3}\.\d{3}-\d\d", checksums.cpf),
    _announced("cpf", _digits(11), r"\d{11}", ("cpf",), checksums.cpf),
    # Province 001 to 096, century and sex 0 to 3, year of birth, serial number.
    _announced("cccd", _digits(12), r"0(?:0[1-9]|[1-8]\d|9[0-6])[0-3]\d{8}", ("cccd", "căn cước", "can cuoc", "citizen id", "định danh")),
)
PAPERS = (
    _announced("passport", _digits(6), r"[A-Z]{0,2}\d{6,9}[A-Z]?", ("passport", "passeport", "reisepass", "pasaporte", "hộ chiếu")),
    _announced("passport", _lettered(4), r"(?=(?:[A-Z]*\d){4})[A-Z0-9]{8,9}", ("passport", "passeport", "reisepass", "pasaporte")),
    _announced(
        "driver_licence",
        _digits(6),
        r"[A-Z]{1,2}\d{3}[ -]\d{3}[ -]\d\d[ -]\d{3}[ -]\d|[A-Z]{0,5}\d{5,14}[A-Z0-9]{0,5}|\d{3,4}-\d\d-\d{4}",
        ("driver", "driving licen", "dl number", "licence number", "license number", "führerschein", "permis de conduire"),
    ),
    Rule(
        kind="birth_date",
        place=Place("year", before=24, after=12),
        pattern=_number(_DATE),
        context=next_behind(
            "born ",
            "born:",
            "birth ",
            "birth:",
            "birthdate",
            "birth date",
            "date of birth",
            "dob ",
            "dob:",
            "d.o.b",
            "geboren ",
            "ngày sinh",
            "né le",
            "née le",
            "nacid",
        ),
    ),
)
RULES = (*UNITED_STATES, *EUROPE, *OTHERS, *PAPERS)
