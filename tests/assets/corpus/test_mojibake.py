"""Which texts count as decoded with the wrong charset: the few characters that a reader replaced, and tells of, are forgiven, and no others."""

import re

import pytest

from assets.corpus.suite_rows import untold
from assets.corpus.suites import MOJIBAKE
from kernels.documents.schema import DOCUMENTS, document_table
from kernels.reading.parsing.charsets import decode
from kernels.specs.sources import Document

PROSE = "Die Straße der Münchner Bücherei ist schön und größer als früher. " * 20


def is_mojibake(text: str, **metadata: str | int) -> bool:
    """Judge one document as the suite on corpus tables does."""
    rows = document_table("s", "f", [Document("0", text, metadata=metadata)]).select(DOCUMENTS.names).to_batches()[0]
    return re.search(MOJIBAKE, untold(rows)[0].as_py()) is not None


@pytest.mark.parametrize("codec", ["latin-1", "cp1252"])
def test_utf8_read_in_another_charset_is_found(codec: str) -> None:
    assert is_mojibake(PROSE.encode().decode(codec))


@pytest.mark.parametrize("text", [PROSE, "São João, NÃO, AMANHÃ. Âge, Ça", "Đây là Ấn Độ, Ã", "“Quoted” — €5 • café", "漢字かな", ""])
def test_text_in_its_own_charset_is_none(text: str) -> None:
    assert not is_mojibake(text)


def test_characters_that_the_reader_replaced_and_tells_of_are_forgiven_where_they_are_few() -> None:
    decoded = decode(PROSE.encode().replace(b"sch", b"\xffsch", 2))
    assert decoded.num_replaced == 2
    assert not is_mojibake(decoded.text, **decoded.told())
    assert is_mojibake(decoded.text), "of which nobody tells"
    assert is_mojibake(decoded.text + "\ufffd", **decoded.told()), "one more than is told of"
    assert is_mojibake("\ufffd" * 9 + "short", num_replaced=9), "told of, but not few"
    assert is_mojibake(decoded.text + " schÃ¶n", **decoded.told()), "what is mojibake beside them stays so"


def test_a_batch_is_judged_row_by_row() -> None:
    documents = [Document("0", "a \ufffd", metadata={"num_replaced": 1}), Document("1", "b \ufffd"), Document("2", "c")]
    batch = document_table("s", "f", documents).to_batches()[0]
    assert ["\ufffd" in str(text) for text in untold(batch).to_pylist()] == [False, True, False]
