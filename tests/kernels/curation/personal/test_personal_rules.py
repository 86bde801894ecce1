"""Rules: each kind is found where its form or its words single it out, and only there."""

import polars as pl
import pytest

from kernels.curation.personal.detection import find_by_rules
from kernels.curation.personal.spans import RULE_KINDS, Kind


def _found(text: str) -> list[tuple[Kind, str]]:
    spans = find_by_rules(pl.Series([text]), RULE_KINDS).get(0, [])
    return [(span.kind, text[span.start : span.end]) for span in spans]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("https://bob:secret@host.example/x", "url_login", "bob:secret"),
        ("from 2001:4860:4860::8888 on", "ip", "2001:4860:4860::8888"),
        ("device 00:1A:2b:3C:4D:5e up", "mac", "00:1A:2b:3C:4D:5e"),
        ("device 00-1A-2B-3C-4D-5E up", "mac", "00-1A-2B-3C-4D-5E"),
        ("to gb82west12345698765432", "iban", "gb82west12345698765432"),
        ("after 2024 4111 1111 1111 1111", "card", "4111 1111 1111 1111"),
        ("my card 4222222222222 expired", "card", "4222222222222"),
        ("send to 1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2.", "wallet", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"),
        ("bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "wallet", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"),
        ("at 0x52908400098527886E0F7030069857D2E4169EE7", "wallet", "0x52908400098527886E0F7030069857D2E4169EE7"),
        ("social security number 078 05 1120", "ssn", "078 05 1120"),
        ("ITIN 912-70-1234", "itin", "912-70-1234"),
        ("NHS number 943 476 5919", "nhs", "943 476 5919"),
        ("NI AB 12 34 56 C", "nino", "AB 12 34 56 C"),
        ("Steuer-ID 86 095 742 719", "steuer_id", "86 095 742 719"),
        ("sécu 2 55 08 14 168 025 38", "nir", "2 55 08 14 168 025 38"),
        ("DNI 12345678Z", "dni", "12345678Z"),
        ("NIE X-1234567-L", "dni", "X-1234567-L"),
        ("CF RSSMRA85T10A562S", "codice_fiscale", "RSSMRA85T10A562S"),
        ("id 11010519491231002X", "resident_id", "11010519491231002X"),
        ("CPF 529.982.247-25", "cpf", "529.982.247-25"),
        ("CPF: 52998224725", "cpf", "52998224725"),
        ("card 2341 2341 2346", "aadhaar", "2341 2341 2346"),
        ("số CCCD: 001203012345", "cccd", "001203012345"),
        ("passport no. C01X00T47 and", "passport", "C01X00T47"),
        ("her driver's license is D1234567", "driver_licence", "D1234567"),
        ("born on 12 May 1985 in", "birth_date", "12 May 1985"),
        ("DOB: 1985-05-12", "birth_date", "1985-05-12"),
        ("date of birth May 12th, 1985", "birth_date", "May 12th, 1985"),
        ("at 40°42′46″N 74°00′21″W", "coordinates", "40°42′46″N 74°00′21″W"),
        ("40.7128° N, 74.0060° W", "coordinates", "40.7128° N, 74.0060° W"),
        ("40º 25' 0.5\" N, 3º 42' O", "coordinates", "40º 25' 0.5\" N, 3º 42' O"),
        ("box PSC 0413, Box 8144\nAPO AA 42323", "address", "PSC 0413, Box 8144\nAPO AA 42323"),
        ("GPS 40.7128, -74.0060", "coordinates", "40.7128, -74.0060"),
        ("lives at 12 Old Main St, Apt 4", "address", "12 Old Main St, Apt 4"),
        ("of 12 Main Street, New York, NY 10019-1234.", "address", "12 Main Street, New York, NY 10019-1234"),
        ("in Glen Mills, PA 19342", "address", "Glen Mills, PA 19342"),
        ("fax us, 930 167 3943 fax", "phone", "930 167 3943"),
        ("call 001-825-741-0957x5184", "phone", "001-825-741-0957x5184"),
        ("You can reach us at 78 651 450.", "phone", "78 651 450"),
        ("call (212) 555-0187 extension 123", "phone", "(212) 555-0187 extension 123"),
        ("call 212-555-0187, ext 12 or", "phone", "212-555-0187, ext 12"),
        ("_212-555-0187_", "phone", "212-555-0187"),
        ("Tel.212-555-0187", "phone", "212-555-0187"),
        ("(+44) 20 7946 0958", "phone", "(+44) 20 7946 0958"),
        ("电话13800138000", "phone", "13800138000"),
        ("我的号码是13800138000。", "phone", "13800138000"),
        ("ĐT 0912.345.678", "phone", "0912.345.678"),
        ("phone ２１２-５５５-０１８７", "phone", "２１２-５５５-０１８７"),
        ("call 212\u2011555\u20110187 now", "phone", "212\u2011555\u20110187"),
        ("call +1\u00a0212\u00a0555\u00a00187 now", "phone", "+1\u00a0212\u00a0555\u00a00187"),
        ("-81.2.69.142_", "ip", "81.2.69.142"),
        ("81.2.69.142:8080", "ip", "81.2.69.142"),
        ("[2001:4860:4860::8888]:443", "ip", "2001:4860:4860::8888"),
        ("2001:4860:4860::8888%eth0", "ip", "2001:4860:4860::8888"),
        ("iban de89 3704 0044 0532 0130 00 bank", "iban", "de89 3704 0044 0532 0130 00"),
        ("GB82-WEST-1234-5698-7654-32", "iban", "GB82-WEST-1234-5698-7654-32"),
        ("GB82 WEST 1234 5698 7654 32", "iban", "GB82 WEST 1234 5698 7654 32"),
        ("IBANDE89370400440532013000", "iban", "DE89370400440532013000"),
        ("4111.1111.1111.1111", "card", "4111.1111.1111.1111"),
        ("4111_1111_1111_1111_", "card", "4111_1111_1111_1111"),
        ("4111-1111 1111-1111", "card", "4111-1111 1111-1111"),
        ("4111 - 1111 - 1111 - 1111", "card", "4111 - 1111 - 1111 - 1111"),
        ("4111\u20131111\u20131111\u20131111", "card", "4111\u20131111\u20131111\u20131111"),
        ("4111\u200b1111\u200b1111\u200b1111", "card", "4111\u200b1111\u200b1111\u200b1111"),
        ("card ٤١١١ ١١١١ ١١١١ ١١١١", "card", "٤١١١ ١١١١ ١١١١ ١١١١"),
        ("card: 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "card", "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"),
        ("Card No.4111111111111111", "card", "4111111111111111"),
        ("SSN: 078.05.1120", "ssn", "078.05.1120"),
        ("_078-05-1120_", "ssn", "078-05-1120"),
        ("redis://:kQ9xW7@10.0.0.1/0", "url_login", ":kQ9xW7"),
        ("ftp://bob:p@ss:word@ftp.example.com/x", "url_login", "bob:p@ss:word"),
    ],
)
def test_a_value_is_found(text: str, kind: Kind, value: str) -> None:
    assert (kind, value) in _found(text)


@pytest.mark.parametrize(
    "text",
    [
        "std::string a::b ::1 fe80::1 12:30:45",
        "broadcast ff:ff:ff:ff:ff:ff",
        "hash 0x52908400098527886E0F7030069857D2E4169EE7AA and deadbeefdeadbeefdeadbeefdead",
        "order 4222222222222",
        "number 943 476 5919 with no word before it",
        "12345678A is no DNI, RSSMRA85T10A562T no tax code",
        "529.982.247-26 fails, 11010519491231002X9 is longer",
        "years 2019 2020 2021, rows 2341 2341 2346 2341",
        "passport issued 2010, box 123456789",
        "Borneo Post 29 March 2014",
        "contact us 2019-2020, reach 12/31/2019",
        "values 40.7128, 74.0060 and GPS 140.7128, 74.0060",
        "Only 3 Great Danes; 20 Street lamps; in 1998 The Road",
        "Telephone: none | Company No. 36761929",
        "price 1,234.56 EUR in Boston, MA since 19342",
        "rows 2989,2098,3977,2233,1441,3561,1615,2380",
        "order 13800138000 of 1914\u20131918",
        "libfoo-1.2.3.45 and 1.81.2.69.142",
    ],
)
def test_what_only_looks_alike_is_left(text: str) -> None:
    assert _found(text) == []


def test_of_two_announced_numbers_each_takes_the_word_before_it() -> None:
    assert _found("passport 123456789, driving licence D1234567") == [("passport", "123456789"), ("driver_licence", "D1234567")]


def test_only_the_kinds_asked_for_are_found() -> None:
    texts = pl.Series(["a@b.org 078-05-1120", "none", "c@d.org"])
    assert {number: [span.kind for span in spans] for number, spans in find_by_rules(texts, ("email",)).items()} == {0: ["email"], 2: ["email"]}


@pytest.mark.parametrize("piece", ["a@a.", "+12 34 ", "1° ", "4111 ", "::", "GB11 A A ", "1 Aa Bb ", "phone (555) ", "é1é2"])
def test_a_text_made_to_stall_expressions_is_read_to_its_end(piece: str) -> None:
    text = piece * (20_000 // len(piece)) + " x@y.org"
    assert ("email", "x@y.org") in _found(text)
