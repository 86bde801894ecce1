"""Check characters: published example numbers pass, and each fails once its last character is another."""

from collections.abc import Callable

import pytest

from kernels.curation.personal import checksums

EXAMPLES = [
    (checksums.luhn, "4111111111111111"),
    (checksums.mod97, "GB82WEST12345698765432"),
    (checksums.verhoeff, "234123412346"),
    (checksums.nhs, "9434765919"),
    (checksums.steuer_id, "86095742719"),
    (checksums.nir, "255081416802538"),
    (checksums.nir, "180012A00455596"),
    (checksums.dni, "12345678Z"),
    (checksums.dni, "X1234567L"),
    (checksums.codice_fiscale, "RSSMRA85T10A562S"),
    (checksums.resident_id, "11010519491231002X"),
    (checksums.cpf, "52998224725"),
    (checksums.base58check, "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"),
    (checksums.bech32, "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"),
    (checksums.bech32, "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"),
]


@pytest.mark.parametrize(("is_valid", "number"), EXAMPLES)
def test_an_example_passes_and_its_neighbour_fails(is_valid: Callable[[str], bool], number: str) -> None:
    assert is_valid(number)
    other = chr(ord(number[-1]) - 1) if number[-1] in "9Zz" else chr(ord(number[-1]) + 1)
    assert not is_valid(number[:-1] + other)


def test_a_tax_number_needs_exactly_one_digit_that_repeats() -> None:
    assert not checksums.steuer_id("12345678903")
    assert not checksums.steuer_id("11223456780")


def test_equal_digits_are_no_cpf() -> None:
    assert not checksums.cpf("11111111111")


def test_a_segwit_address_of_mixed_case_is_none() -> None:
    assert not checksums.bech32("bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5MDQ")


def test_check_characters_are_found() -> None:
    assert checksums.complete("411111111111111", "0123456789", checksums.luhn) == "4111111111111111"
    assert checksums.with_mod97("GBWEST12345698765432") == "GB82WEST12345698765432"
