"""Surrogates and tokens: equal for equal values, in the original's layout, valid, and from ranges that belong to nobody."""

import ipaddress
import re
from collections.abc import Callable

import pytest

from kernels.curation.personal import checksums
from kernels.curation.personal.rules.accounts import is_card
from kernels.curation.personal.spans import Kind
from kernels.curation.personal.surrogates import NAMES, surrogate
from kernels.curation.personal.values import token

NUMBERS: list[tuple[Kind, str, Callable[[str], bool]]] = [
    ("card", "4111-1111-1111-1111", is_card),
    ("card", "3782 822463 10005", is_card),
    ("iban", "DE89 3704 0044 0532 0130 00", checksums.mod97),
    ("iban", "GB82WEST12345698765432", checksums.mod97),
    ("nhs", "943 476 5919", checksums.nhs),
    ("steuer_id", "86 095 742 719", checksums.steuer_id),
    ("nir", "2 55 08 14 168 025 38", checksums.nir),
    ("dni", "12345678Z", checksums.dni),
    ("dni", "X-1234567-L", checksums.dni),
    ("codice_fiscale", "RSSMRA85T10A562S", checksums.codice_fiscale),
    ("resident_id", "11010519491231002X", checksums.resident_id),
    ("cpf", "529.982.247-25", checksums.cpf),
    ("aadhaar", "2341 2341 2346", checksums.verhoeff),
]


def _layout(value: str) -> str:
    return re.sub(r"[0-9A-Za-z]", "x", value)


@pytest.mark.parametrize(("kind", "value", "is_valid"), NUMBERS)
def test_a_number_keeps_its_layout_and_is_valid_for_every_seed(kind: Kind, value: str, is_valid: Callable[[str], bool]) -> None:
    for seed in range(40):
        made = surrogate(kind, value, seed)
        assert made != value
        assert _layout(made) == _layout(value)
        assert is_valid(re.sub(r"[\W_]", "", made))


def test_one_value_has_one_surrogate_however_it_is_written() -> None:
    assert surrogate("email", "Jane@Mail.com", 1) == surrogate("email", "jane@mail.com", 1)
    assert re.sub(r"\D", "", surrogate("phone", "(212) 555-7788", 1)) == re.sub(r"\D", "", surrogate("phone", "212.555.7788", 1))
    assert surrogate("email", "jane@mail.com", 1) != surrogate("email", "john@mail.com", 1)
    assert surrogate("email", "jane@mail.com", 1) != surrogate("email", "jane@mail.com", 2)


def test_addresses_come_from_ranges_for_documentation_and_fiction() -> None:
    assert surrogate("email", "jane@mail.com", 1).endswith("@example.org")
    nets = [ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")]
    for value in ("81.2.69.142", "2001:4860:4860::8888"):
        assert any(ipaddress.ip_address(surrogate("ip", value, 1)) in net for net in nets)
    assert re.fullmatch(r"\(\d{3}\) 555-01\d\d x33", surrogate("phone", "(212) 736-5000 x33", 1))
    assert re.fullmatch(r"\+44 77 0090 0\d{3}", surrogate("phone", "+44 20 7946 0958", 1))
    assert re.fullmatch(r"00:00:5e:00:53:[0-9a-f]{2}", surrogate("mac", "a0:1a:2b:3c:4d:5e", 1), re.IGNORECASE)
    assert surrogate("ssn", "078-05-1120", 1).startswith("666-")


def test_a_person_is_the_same_by_full_and_by_family_name() -> None:
    given, family = surrogate("person", "Jane Doe", 5).split()
    assert {given, family} <= set(NAMES)
    assert surrogate("person", "DOE", 5) == family


@pytest.mark.parametrize(
    ("kind", "value", "form"),
    [
        ("birth_date", "May 12th, 1985", r"[A-Z][a-z]{2} (?:[4-9]|1[0-2])th, 19[4-9]\d"),
        ("birth_date", "1985-05-12", r"19[4-9]\d-(?:0[4-9]|1[0-2])-(?:0[4-9]|1[0-2])"),
        ("coordinates", "40.7128° N, 74.0060° W", r"[1-5]?\d\.\d{4}° N, [1-5]?\d\.\d{4}° W"),
        ("address", "12 Main Street, New York, NY 10019", r"\d+ [A-Z][a-z]+ Street, [A-Z][a-z]+, KS 00000"),
        ("address", "12 Main Street", r"\d+ [A-Z][a-z]+ Street"),
        ("url_login", "bob:secret", r"user\d{6}:password"),
        ("passport", "C01X00T47", r"[A-Z]\d\d[A-Z]\d\d[A-Z]\d\d"),
        ("nino", "AB 12 34 56 C", r"QQ \d\d \d\d \d\d [A-D]"),
        ("itin", "912-70-1234", r"900-93-\d{4}"),
        ("cccd", "001203012345", r"001[0-3]\d{8}"),
        ("wallet", "0x52908400098527886E0F7030069857D2E4169EE7", r"0x5\w{39}"),
        ("place", "London", r"[A-Z][a-z]+"),
        ("organisation", "Acme Ltd", r"[A-Z][a-z]+ [A-Z][a-z]+"),
    ],
)
def test_a_surrogate_is_plausible(kind: Kind, value: str, form: str) -> None:
    for seed in range(20):
        assert re.fullmatch(form, surrogate(kind, value, seed))


def test_a_token_depends_on_kind_value_and_key_alone() -> None:
    key = b"0123456789abcdef"
    assert re.fullmatch(r"<EMAIL:[0-9a-f]{16}>", token("email", "jane@mail.com", key))
    assert token("email", "Jane@mail.com", key) == token("email", "jane@mail.com", key)
    assert token("phone", "(212) 555-0187", key) == token("phone", "212-555-0187", key)
    assert token("email", "jane@mail.com", key) != token("email", "jane@mail.com", b"another key 4567")


def test_look_alike_characters_do_not_tell_values_apart() -> None:
    key = b"0123456789abcdef"
    assert token("email", "info＠exam\u200bple.com", key) == token("email", "info@example.com", key)
    assert token("card", "４１１１\u20131111\u20131111\u20131111", key) == token("card", "4111 1111 1111 1111", key)
    assert token("phone", "212-555-0187 #12", key) == token("phone", "(212) 555-0187 extension 12", key)
