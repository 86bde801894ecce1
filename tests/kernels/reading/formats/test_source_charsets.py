"""In which charset bytes are, and what is said of those that are in none."""

import io

import pytest

from kernels.reading.parsing.charset_guess import guess
from kernels.reading.parsing.charsets import UndecodableError, codec_of, decode, unmarked_utf16
from kernels.reading.parsing.transcoding import utf8_stream
from kernels.specs.sources import SourceFile

TEXTS = {
    "en": "The keeper’s daughter said: “We never let the lamp go out” — not once in thirty years.",
    "fr": "Le vieux phare de la côte était peint en bandes rouges, et les pêcheurs l'appelaient « la sucette ».",
    "de": "Der alte Leuchtturm an der Küste war rot und weiß gestreift, und die Fischer nannten ihn „Lutscher“.",
    "es": "El faro estaba en el cabo norte desde hacía doscientos años; cada guardián escribía una línea al día en español.",
    "pl": "Latarnia stała na przylądku przez dwieście lat, a każdy latarnik zapisywał w książce jedną linijkę. Żółta łódź.",
    "cs": "Maják stál na mysu dvě stě let a každý strážce zapisoval do knihy jednu řádku denně, příliš žluťoučký kůň.",
    "hu": "A világítótorony kétszáz évig állt az északi fokon, és minden őr naponta egy sort írt a könyvbe, űrhajó.",
    "ru": "Маяк стоял на северном мысе двести лет, и каждый смотритель записывал в книгу по строке в день.",
    "el": "Ο φάρος στεκόταν στο βόρειο ακρωτήριο για διακόσια χρόνια και κάθε φύλακας έγραφε μια γραμμή.",
    "vi": "Ngọn hải đăng đứng trên mũi phía bắc hai trăm năm, và mỗi người canh gác viết một dòng mỗi ngày.",
    "zh": "灯塔在北角站立了两百年，每个守塔人每天都在同一本书里写一行字。",
    "ja": "灯台は二百年のあいだ北の岬に立っていました。番人は毎日一行ずつ本に書きました。",
}


def spoiled(text: str, bad: bytes) -> bytes:
    half = text[: len(text) // 2]
    return half.encode() + bad + text[len(half) :].encode()


@pytest.mark.parametrize("labels", [[], ["UTF-8"], ["utf8"], ["iso-8859-1"], ["nonsense"]])
@pytest.mark.parametrize("bad", [b"\xff", b"\xe9", b"\x92", b"\xc3"])
@pytest.mark.parametrize("language", TEXTS)
def test_one_bad_byte_in_utf8_is_one_replaced_character_whatever_the_label(language: str, bad: bytes, labels: list[str]) -> None:
    text = TEXTS[language]
    decoded = decode(spoiled(text, bad), labels)
    assert (decoded.text.replace("\ufffd", ""), decoded.charset, decoded.num_replaced) == (text, "utf-8", 1)
    assert decoded.told() == {"num_replaced": 1}


@pytest.mark.parametrize("language", TEXTS)
def test_half_a_character_at_the_end_is_left_out_and_counted(language: str) -> None:
    text = TEXTS[language] + "é"
    assert decode(text.encode()[:-1]) == (TEXTS[language], "utf-8", 1)


@pytest.mark.parametrize(
    ("language", "codec", "name"),
    [
        ("fr", "cp1252", "windows-1252"),
        ("de", "cp1252", "windows-1252"),
        ("es", "cp1252", "windows-1252"),
        ("pl", "cp1250", "windows-1250"),
        ("pl", "iso8859-2", "iso-8859-2"),
        ("cs", "iso8859-2", "iso-8859-2"),
        ("hu", "cp1250", "windows-1250"),
        ("ru", "cp1251", "windows-1251"),
        ("ru", "koi8-r", "koi8-r"),
        ("el", "cp1253", "windows-1253"),
        ("zh", "gb18030", "gb18030"),
        ("ja", "cp932", "shift_jis"),
    ],
)
def test_a_charset_that_nothing_declares_is_told_by_its_characters(language: str, codec: str, name: str) -> None:
    data = TEXTS[language].encode(codec, "ignore")
    assert decode(data) == (data.decode(codec), name, 0)
    assert decode(data, [name]) == (data.decode(codec), name, 0)
    assert decode(data, ["utf-8", name]).text == data.decode(codec)


def test_utf8_is_believed_against_a_label_and_few_bytes_of_gbk_are_not_taken_for_it() -> None:
    assert decode("café ©".encode(), ["iso-8859-1"]).text == "café ©"
    assert decode("联通".encode("gbk"), ["gb2312"]).text == "联通"


def test_few_letters_beyond_ascii_that_are_no_utf8_are_windows_1252() -> None:
    assert decode(b"caf\xe9 noir") == ("café noir", "windows-1252", 0)
    assert guess(b"it\x92s") == "cp1252"


def test_more_bad_bytes_than_a_few_are_no_text() -> None:
    with pytest.raises(UndecodableError, match="characters are no"):
        decode(("Ж" * 40 + " ").encode() * 2 + b"\xff " * 20)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ["Grüße aus Köln – überall.\n", "Привет, как дела у тебя?", "naïve\u00a0café", "ab c"])
def test_utf16_without_a_mark_is_told_in_any_script_that_parts_words(text: str, encoding: str) -> None:
    decoded = decode(text.encode(encoding))
    assert (decoded.text, decoded.charset, decoded.num_replaced) == (text, encoding.replace("16-", "16"), 0)


@pytest.mark.parametrize("data", [b"plain text", b"one \0 in a text", bytes(range(256)) * 4, b"\0" * 64, b"\x01\0\x02\0\x03\0\x04\0" * 8])
def test_other_bytes_are_no_utf16(data: bytes) -> None:
    assert unmarked_utf16(data) is None


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be"])
def test_a_byte_order_mark_or_the_pattern_of_utf16_tells_the_charset(encoding: str) -> None:
    assert decode("plain words, as they were".encode(encoding), ["windows-1252"]).text == "plain words, as they were"


@pytest.mark.parametrize(
    ("label", "codec"), [("latin1", "cp1252"), (" UTF8 ", "utf-8"), ("gb2312", "gb18030"), ("x-sjis", "cp932"), ("ks_c_5601-1987", "cp949")]
)
def test_labels_mean_what_browsers_read_under_them(label: str, codec: str) -> None:
    found = codec_of(label)
    assert found is not None and found[1] == codec


def streamed(data: bytes, label: str | None = None) -> bytes:
    with utf8_stream(SourceFile("a.txt", lambda: io.BytesIO(data)), label) as stream:
        return stream.readall()


def test_a_stream_comes_out_as_utf8_and_lone_carriage_returns_as_line_feeds() -> None:
    assert streamed("ä\nß".encode("utf-16")) == "ä\nß".encode()
    assert streamed(b"\xef\xbb\xbfa\r\nb") == b"a\r\nb"
    assert streamed(b"\x80 5", "windows-1252") == "€ 5".encode()
    assert streamed(b"a\rb\r") == b"a\nb\n"
    assert streamed(b"") == b""


def test_what_does_not_fit_the_charset_of_a_stream_is_no_utf8_either() -> None:
    with pytest.raises(UnicodeDecodeError):
        streamed("a".encode("utf-16") + b"\x00\xd8" + "b".encode("utf-16-le")).decode("utf-8")
    with pytest.raises(UnicodeDecodeError):
        streamed("ab".encode("utf-16")[:-1]).decode("utf-8")
