import bz2
import gzip
import io
import lzma
import tarfile
from pathlib import Path

import pytest
import zstandard

from kernels.reading.formats.books import LINE_CHARS, SPEC, BooksConfig
from kernels.specs.sources import Document, Reject, SourceFile

BOOK = """CHAPTER 1. Loomings.

Call me Ishmael.

CHAPTER 2. The Carpet-Bag.

I stuffed a shirt
or two.
"""


def read(data: bytes | str, max_chars: int = 1000, path: str = "book.txt") -> list[Document | Reject]:
    raw = data.encode() if isinstance(data, str) else data
    return list(SPEC.read(SourceFile(path, lambda: io.BytesIO(raw)), BooksConfig(max_chars=max_chars)))


def keys(items: list[Document | Reject]) -> list[str]:
    return [item.key for item in items]


def texts(items: list[Document | Reject]) -> list[str]:
    return [item.text for item in items if isinstance(item, Document)]


def test_each_chapter_is_a_document_keyed_by_its_heading():
    items = read(BOOK)
    assert keys(items) == ["CHAPTER 1", "CHAPTER 2"]
    assert texts(items)[1] == "CHAPTER 2. The Carpet-Bag.\n\nI stuffed a shirt\nor two."


def test_scenes_are_keyed_within_their_act():
    play = "ACT I\n\nSCENE I. A heath.\n\nThunder.\n\nSCENE II. A camp.\n\nAlarum.\n\nACT II\n\nScene I.\n\nEnter.\n"
    assert keys(read(play)) == ["ACT I, SCENE I", "ACT I, SCENE II", "ACT II, SCENE I"]


def test_a_sentence_that_begins_like_a_heading_is_none():
    assert keys(read("Start.\n\nPart one of us went home.\n\nChapter two was long, he said.\n")) == ["text"]


def test_a_long_section_is_cut_between_paragraphs():
    items = read("\n\n".join(f"Paragraph {number} of ten words." for number in range(7)), max_chars=60)
    assert keys(items) == ["text", "text/2", "text/3"]
    assert "\n\n".join(texts(items)).count("Paragraph") == 7
    assert texts(items)[2] == "Paragraph 6 of ten words."


@pytest.mark.parametrize(
    ("top", "bottom"),
    [
        ("*** START OF THE PROJECT GUTENBERG EBOOK A VERY\nLONG TITLE ***", "*** END OF THE PROJECT GUTENBERG EBOOK ***"),
        ("***START OF THIS PROJECT GUTENBERG EBOOK X***\n\nProduced by A. Volunteer", "End of Project Gutenberg's X, by Y"),
        (
            "***START**THE SMALL PRINT!**FOR PUBLIC DOMAIN***\n\nLegal advice.\n\n*END*THE SMALL PRINT! FOR ETEXTS*Ver.04.29.93*END*",
            "End of the Project Gutenberg EBook of X",
        ),
    ],
)
def test_gutenberg_header_and_licence_are_taken_off(top: str, bottom: str):
    items = read(f"The Project Gutenberg eBook\n\nTitle: A Tale\nAuthor: B\n\n{top}\n\n{BOOK}\n\n{bottom}\n\nLicence text.\n")
    assert texts(items) == texts(read(BOOK))
    assert [item.title for item in items if isinstance(item, Document)] == ["A Tale", "A Tale"]


def test_surplus_white_space_does_not_change_the_documents():
    assert read("\r\n\r\n" + BOOK.replace("\n\n", " \n\n\n\t\n").replace("\n", "\r\n") + "\r\n\r\n") == read(BOOK)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_the_encoding_is_recognised(encoding: str):
    assert texts(read("Café “naïve”.\n".encode(encoding))) == ["Café “naïve”."]


def test_binary_and_empty_files_are_rejects():
    assert [item.reason for item in read(b"\x7fELF\0\0") + read(" \n\n") if isinstance(item, Reject)] == ["binary", "no_text"]


def test_a_cut_gzip_file_keeps_what_stands_before_the_cut():
    items = read(gzip.compress(BOOK.encode(), mtime=0) + gzip.compress(b"more " * 500, mtime=0)[:-12], path="book.txt.gz")
    assert keys(items)[0] == "CHAPTER 1"
    assert isinstance(items[-1], Reject)
    assert items[-1].reason == "damaged"


def test_an_endless_line_is_cut_and_nothing_of_it_is_lost():
    items = read("A line.\n\n" + "word " * 200_000 + "\n\nThe end.\n", max_chars=100_000)
    assert all(len(text) < 300_000 for text in texts(items))
    assert "".join(texts(items)).count("word") == 200_000
    assert texts(items)[-1].endswith("The end.")


def test_a_line_that_fills_a_piece_keeps_the_next_line_apart():
    assert texts(read("x" * LINE_CHARS + "\ny\n", max_chars=1_000_000)) == ["x" * LINE_CHARS + "\ny"]


@pytest.mark.parametrize("name", ["book.txt.zst", "book.txt.xz", "book.txt.bz2"])
def test_a_packed_book_reads_as_the_book(name: str):
    pack = {"zst": zstandard.ZstdCompressor().compress, "xz": lzma.compress, "bz2": bz2.compress}[name.rpartition(".")[2]]
    assert read(pack(BOOK.encode()), path=name) == read(BOOK)


def test_speeches_of_a_real_archive_are_read_without_a_reject(shared_data: Path):
    with tarfile.open(shared_data / "books-sotu-moby" / "sotu-txt.tar.gz") as archive:
        files = [archive.extractfile(member) for member in archive if member.name.endswith(".txt")][:20]
        speeches = [file.read() for file in files if file is not None]
    assert [item for data in speeches for item in read(data, max_chars=5_000) if isinstance(item, Reject)] == []


def test_moby_dick_has_its_135_chapters(shared_data: Path):
    path = shared_data / "books-sotu-moby" / "moby-dick.txt"
    items = list(SPEC.read(SourceFile(path.name, lambda: path.open("rb")), BooksConfig(max_chars=20_000)))
    assert {item.metadata["section"] for item in items if isinstance(item, Document)} == {f"CHAPTER {number}" for number in range(1, 136)}
    assert len(set(keys(items))) == len(items)


FRENCH = "Le vieux phare de la côte était peint en bandes, et les pêcheurs l'appelaient « la sucette »."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_a_book_is_read_in_the_charset_it_is_in(encoding: str) -> None:
    assert texts(read(FRENCH.encode(encoding))) == [FRENCH]


def test_one_bad_byte_costs_its_character_alone_and_is_counted() -> None:
    (item,) = read(FRENCH.replace("sucette", "sucett#").encode().replace(b"#", b"\xe9"))
    assert item == Document("text", FRENCH.replace("sucette", "sucett\ufffd"), metadata={"section": "text", "num_replaced": 1})


def test_half_a_character_at_the_end_is_left_out_and_counted() -> None:
    assert read((FRENCH + "\nç").encode()[:-1]) == [Document("text", FRENCH, metadata={"section": "text", "num_replaced": 1})]


def test_the_recipe_may_name_the_charset_of_a_book() -> None:
    data = "Маяк".encode("koi8-r")
    (item,) = SPEC.read(SourceFile("a.txt", lambda: io.BytesIO(data)), BooksConfig(max_chars=1000, charset="koi8-r"))
    assert isinstance(item, Document)
    assert (item.text, item.metadata["charset"]) == ("Маяк", "koi8-r")
    with pytest.raises(ValueError, match="no charset is named 'kio8'"):
        BooksConfig(max_chars=1000, charset="kio8")
