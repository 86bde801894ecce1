"""Paragraphs seen before are cut, wherever they were seen."""

from pathlib import Path

import pyarrow as pa
import pytest

from kernels.curation.deduplication.passages.cuts import CUTS, cut_documents, cut_text
from kernels.curation.deduplication.passages.paragraphs import ParagraphConfig, find_paragraphs, write_paragraph_index
from kernels.documents.schema import document_table
from kernels.specs.sources import Document

CONFIG = ParagraphConfig(min_chars=12, min_words=3)
NOTICE = "All rights of this page are reserved."


def _documents(texts: list[str], file: str = "f") -> pa.Table:
    return document_table("s", file, [Document(key=str(number), text=text) for number, text in enumerate(texts)])


def _cut(texts: list[str], earlier: list[Path] | None = None) -> list[str]:
    documents = _documents(texts)
    return cut_documents(documents, find_paragraphs(documents, earlier or [], CONFIG))["text"].to_pylist()


def test_a_paragraph_of_an_earlier_document_is_cut_and_its_holder_recorded() -> None:
    documents = _documents([f"First page here.\n{NOTICE}", f"Second page is élan.\n{NOTICE.upper()}\nThe end of it."])
    cuts = find_paragraphs(documents, [], CONFIG)
    assert cuts.schema == CUTS
    assert cuts.to_pylist() == [{"id": "s/f#1", "start": 21, "end": 58, "kept_id": "s/f#0"}]
    assert documents["text"][1].as_py()[21:58] == NOTICE.upper()
    assert cut_documents(documents, cuts)["text"].to_pylist() == [f"First page here.\n{NOTICE}", "Second page is élan.\nThe end of it."]


def test_short_paragraphs_stay() -> None:
    assert _cut(["Read more\nOne first thing.", "Read more\nOther second thing."]) == [
        "Read more\nOne first thing.",
        "Read more\nOther second thing.",
    ]


def test_words_of_a_script_without_spaces_are_its_characters() -> None:
    notice = "本页所有内容版权所有，未经许可不得转载"
    assert _cut([f"第一页的正文。\n{notice}", f"第二页的正文。\n{notice}"]) == [f"第一页的正文。\n{notice}", "第二页的正文。"]


def test_paragraphs_of_other_signs_stay() -> None:
    formulas = ["Take alpha + beta - gamma.", "Take alpha * beta / gamma."]
    assert _cut(formulas) == formulas


def test_a_document_goes_only_if_nothing_is_left() -> None:
    assert _cut([NOTICE, NOTICE, f"{NOTICE}\nok"]) == [NOTICE, "ok"]


def test_a_document_that_repeats_itself_keeps_the_first() -> None:
    assert _cut([f"{NOTICE}\n\nIn between stands this.\n\n{NOTICE}"]) == [f"{NOTICE}\n\nIn between stands this."]


def test_earlier_partitions_are_known_by_their_index(tmp_path: Path) -> None:
    folders = []
    for number, texts in enumerate([["Nothing to see here."], [f"Old page of old.\n{NOTICE}"], [NOTICE]]):
        folder = tmp_path / str(number)
        folder.mkdir()
        write_paragraph_index(_documents(texts, f"old{number}"), CONFIG, folder)
        folders.append(folder)
    cuts = find_paragraphs(_documents([f"Fresh words at last.\n{NOTICE}"]), folders, CONFIG)
    assert cuts["kept_id"].to_pylist() == ["s/old1#0"]
    other = CONFIG.model_copy(update={"min_chars": 3})
    with pytest.raises(ValueError, match="made with another config"):
        find_paragraphs(_documents(["a"]), folders, other)


def test_no_documents_have_no_cuts(tmp_path: Path) -> None:
    write_paragraph_index(_documents([]), CONFIG, tmp_path)
    assert find_paragraphs(_documents([]), [tmp_path], CONFIG).num_rows == 0


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("one [cut] two", "one two"),
        ("one\n\n[cut]\ntwo", "one\n\ntwo"),
        ("one [cut]\n\ntwo", "one\n\ntwo"),
        ("[cut] two", "two"),
        ("one [cut]", "one"),
        ("[cut]", ""),
    ],
)
def test_what_is_left_joins_with_the_white_space_of_one_side(text: str, left: str) -> None:
    start = text.index("[cut]")
    assert cut_text(text, [(start, start + 5)]) == left


def test_cuts_side_by_side_do_not_glue_words() -> None:
    assert cut_text("one abcd two", [(4, 6), (6, 8)]) == "one two"
