import bz2
import io
from collections import Counter
from fnmatch import fnmatch
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from kernels.reading.formats.wikipedia import SPEC, WikipediaConfig
from kernels.reading.parsing.wikitext.page import plain_text
from kernels.specs.sources import Document, Reject, SourceFile

CONFIG = WikipediaConfig(drop_sections=("References", "See also"))
HEAD = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/">
<siteinfo><base>https://en.wikipedia.org/wiki/Main_Page</base>
<namespaces><namespace key="6">Fichier</namespace><namespace key="0" /></namespaces></siteinfo>
"""


def page(number: int, title: str, text: str, namespace: int = 0, redirect: str = "", model: str = "wikitext") -> str:
    return (
        f"<page><title>{title}</title><ns>{namespace}</ns><id>{number}</id>{redirect}<revision><id>9{number}</id>"
        f"<timestamp>2016-04-22T10:19:33Z</timestamp><model>{model}</model><text>{escape(text)}</text></revision></page>\n"
    )


def read(xml: str | bytes, path: str = "dump.xml") -> list[Document | Reject]:
    data = xml.encode() if isinstance(xml, str) else xml
    return list(SPEC.read(SourceFile(path, lambda: io.BytesIO(data)), CONFIG))


def plain(wikitext: str) -> str:
    return plain_text(wikitext, {"file", "category"}, CONFIG.drop_sections)


def test_a_page_becomes_a_document_with_title_address_and_id():
    assert read(HEAD + page(12, "Café au lait", "'''Coffee''' with milk.") + "</mediawiki>") == [
        Document(
            key="12",
            text="Coffee with milk.",
            title="Café au lait",
            url="https://en.wikipedia.org/wiki/Caf%C3%A9_au_lait",
            metadata={"page_id": "12", "timestamp": "2016-04-22T10:19:33Z"},
        )
    ]


@pytest.mark.parametrize(
    ("xml", "reason"),
    [
        (page(1, "A", "#REDIRECT [[B]]", redirect='<redirect title="B" />'), "redirect"),
        (page(1, "Talk:A", "hello", namespace=1), "namespace"),
        (page(1, "A", "{}", model="json"), "not_wikitext"),
        (page(1, "A", "{{stub}}"), "no_text"),
    ],
)
def test_a_page_that_is_no_article_is_a_reject(xml: str, reason: str):
    (item,) = read(HEAD + xml + "</mediawiki>")
    assert isinstance(item, Reject)
    assert (item.key, item.reason) == ("1", reason)


def test_namespace_names_of_the_dump_hide_their_links():
    (item,) = read(HEAD + page(1, "A", "[[Fichier:a.jpg|thumb|A [[cat]]]]Text.") + "</mediawiki>")
    assert isinstance(item, Document)
    assert item.text == "Text."


@pytest.mark.parametrize("path", ["dump.xml", "dump.xml.bz2"])
def test_a_cut_dump_gives_its_whole_pages_and_one_reject(path: str):
    head = HEAD + page(1, "A", "One.") + page(2, "B", "Two.")
    data = head + page(3, "C", "Three.")[:60]
    first, second, reject = read(bz2.compress(head.encode()) + bz2.compress(b"x")[:-4] if path.endswith("bz2") else data, path)
    assert [first.key, second.key] == ["1", "2"]
    assert isinstance(reject, Reject)
    assert (reject.key, reject.reason) == ("after page 2", "truncated")


def test_several_compressed_streams_read_as_one_dump():
    parts = [HEAD, page(1, "A", "One."), page(2, "B", "Two.") + "</mediawiki>"]
    assert read(b"".join(bz2.compress(part.encode()) for part in parts), "dump.xml.bz2") == read("".join(parts))


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("a [[cat]], [[Dog|dogs]] and [[:Category:Apes]]", "a cat, dogs and Category:Apes"),
        ("[[File:a.jpg|thumb|A [[cat]] {{x|[[y]]}}]]Text[[Category:Cats| ]][[de:Katze]]", "Text"),
        ("x{{cite|{{inner|a}}|b=[[c]]}} y", "x y"),
        ("fact<ref name=a/><ref>see <i>this</i></ref>, more<ref name='b'>{{cite}}</ref>.", "fact, more."),
        ("before\n{| class=x\n|-\n| {| \n| nested\n|}\nmore of the cell\n|}\nafter", "before\n\nafter"),
        ("[http://example.org a site] and [http://example.org]", "a site and"),
        ("'''''bold italic''''' ''it''", "bold italic it"),
        ("a<!-- hidden -->b &amp;nbsp;&lt;c", "ab <c"),
        ("H<sub>2</sub>O at 10<sup>-3</sup>", "H2O at 10^-3"),
        ("energy <math>E = mc^{2}</math> and <nowiki>[[not a link]]</nowiki>", "energy $E = mc^{2}$ and [[not a link]]"),
        ("Paris ({{IPA|x}}; {{lang|fr|Lutèce}}) is {{convert|105|km2|sqmi|abbr=on}} large", "Paris (Lutèce) is 105 km^2 (41 sq mi) large"),
        ("Paris ({{IPA|x}}) is", "Paris is"),
        ("{{convert|400|to|670|mm|in}} {{convert|22|e6acre|km2}}", "400 to 670 millimetres (16 to 26 in) 22 million acres (89,000 km^2)"),
        ("({{birth date|1905|2|2}} \u2013 {{death date and age|df=yes|1982|3|6|1905|2|2}})", "(February 2, 1905 \u2013 6 March 1982)"),
        ("{{frac|1|2}} {{frac|3|1|4}} {{frac|3}} {{val|1.00794|(7)|u=g}} {{nobold|x}}", "1/2 3 1/4 1/3 1.00794(7) g x"),
        ("{{quote|text=Said so.|sign=A}}", "Said so."),
        ("Born {{birth date|x|99|y}}. In {{dts|\u0663|13|1}}.", "In \u0663."),
        ("* {{cite|x}}. First paper.\n* {{cite|x}}.", "- First paper."),
        ("{{broken\n| a = b\ntext [[left]] and [[open", "text left and open"),
    ],
)
def test_wikitext_becomes_plain_text(wikitext: str, text: str):
    assert plain(wikitext.replace("&amp;", "&")) == text


@pytest.mark.parametrize(
    "bomb",
    [
        "{{" * 20_000, "{{a|" * 20_000 + "x" + "}}" * 20_000, "[[" * 20_000 + "]]" * 20_000, "{" * 40_000, "{|\n" * 20_000 + "|}\n" * 20_000,
        "<ref>" * 20_000, "<math>" * 20_000, "<gallery><timeline>" * 5_000, "[http://a " * 20_000, "{{x|" + " " * 50_000 + "}}", "=" * 50_000,
        "*" * 50_000 + " x", "{{[[" * 20_000 + "]]}}" * 20_000, "'" * 50_000, "<!--" * 20_000,
    ],
)  # fmt: skip
def test_endless_nesting_is_read_to_its_end(bomb: str):
    assert plain("Before.\n\n" + bomb).startswith("Before.")


def test_a_character_reference_cannot_spell_the_place_of_a_listing():
    assert plain("<nowiki>[[x]]</nowiki> &#xFDD0;0&#xFDD1; \ufdd09\ufdd1") == "[[x]] 0 9"


@pytest.mark.parametrize(
    "head", ['<!DOCTYPE m [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>', '<!DOCTYPE m [<!ENTITY f SYSTEM "file:///etc/passwd">]>']
)
def test_a_dump_that_declares_entities_is_refused(head: str):
    assert [(item.key, item.reason) for item in read(head + HEAD + page(1, "A", "&b;")) if isinstance(item, Reject)] == [
        ("after the start", "forbidden_xml")
    ]


def test_a_page_past_the_bound_is_a_reject_and_the_next_is_read():
    items = read(HEAD + page(1, "A", "One.") + page(2, "B", "x" * 5_000_000) + page(3, "C", "Three.") + "</mediawiki>")
    assert [(item.key, item.reason if isinstance(item, Reject) else item.text) for item in items] == [
        ("1", "One."),
        ("2", "too_large"),
        ("3", "Three."),
    ]


def test_a_page_given_twice_counts_once():
    _, second = read(HEAD + page(1, "A", "One.") + page(1, "A", "Two.") + "</mediawiki>")
    assert second == Reject("1", "duplicate_key", "A")


def revision(timestamp: str, text: str) -> str:
    return f"<revision><timestamp>{timestamp}</timestamp><text>{escape(text)}</text></revision>"


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_the_newest_of_many_revisions_is_taken_wherever_it_stands(order: tuple[int, ...]):
    revisions = [
        revision("2004-02-01T00:00:00Z", "A stub."),
        revision("2011-02-01T00:00:00Z", "HAHA"),
        revision("2024-02-01T00:00:00Z", "A hand mill."),
    ]
    (item,) = read(HEAD + "<page><title>Quern</title><ns>0</ns><id>7</id>" + "".join(revisions[place] for place in order) + "</page></mediawiki>")
    assert isinstance(item, Document)
    assert (item.text, item.metadata["timestamp"]) == ("A hand mill.", "2024-02-01T00:00:00Z")


def test_a_history_longer_than_a_page_may_be_is_read_revision_by_revision():
    old = "".join(revision(f"20{year}-01-01T00:00:00Z", "old " * 300_000) for year in range(10, 20))
    (item,) = read(HEAD + f"<page><title>A</title><ns>0</ns><id>1</id>{old}{revision('2024-01-01T00:00:00Z', 'New.')}</page></mediawiki>")
    assert isinstance(item, Document)
    assert item.text == "New."


@pytest.mark.parametrize(
    "text",
    ["#REDIRECT [[Quern]]", "#redirect[[Quern]]", "\n#REDIRECT: [[Quern#Use|q]] {{R from move}}", "#WEITERLEITUNG [[Mühle]]",
     "#перенаправление [[Жёрнов]]",
     "#転送 [[石臼]]", "#NEWWORD [[Quern]]\n[[Category:Mills]]"],
)  # fmt: skip
def test_a_redirect_is_known_by_its_word_where_the_dump_has_no_tag(text: str):
    (item,) = read(HEAD + page(1, "A", text) + "</mediawiki>")
    assert isinstance(item, Reject)
    assert item.reason == "redirect"


def test_a_list_that_begins_a_page_is_no_redirect():
    (item,) = read(HEAD + page(1, "A", "# [[One]] is first.\n#Two [[b]] is second.") + "</mediawiki>")
    assert isinstance(item, Document)
    assert item.text == "- One is first.\n- Two b is second."


@pytest.mark.parametrize(
    ("name", "is_dump"),
    [
        ("enwiki-20240101-pages-articles-multistream.xml.bz2", True), ("enwiki-20240101-pages-articles1.xml-p1p41242.bz2", True),
        ("enwiki-20240101-pages-meta-history1.xml-p1p812.bz2", True), ("export.xml", True),
        ("enwiki-20240101-pages-articles-multistream-index.txt.bz2", False),
        ("enwiki-20240101-pages-articles-multistream-index1.txt-p1p41242.bz2", False),
    ],
)  # fmt: skip
def test_the_index_of_a_dump_is_not_taken_for_a_dump(name: str, is_dump: bool):
    assert any(fnmatch(name, pattern) for pattern in SPEC.patterns) == is_dump


def test_a_sentence_with_an_unknown_template_is_left_out_and_counted():
    (item,) = read(HEAD + page(1, "A", "Kept. It cost {{mystery|5}} coins. Kept too.\n{|\n| a\n|}") + "</mediawiki>")
    assert isinstance(item, Document)
    assert item.text == "Kept. Kept too."
    assert item.losses == {"sentences with a lost template": 1, "tables": 1}
    assert item.metadata["lost_templates"] == ["mystery"]


def test_a_page_is_told_as_of_the_day_on_which_it_was_written():
    (item,) = read(HEAD + page(1, "A", "He is {{age|1950|4|23}} in {{CURRENTYEAR}}; $1 of 1900 is ${{inflation|US|1|1900|r=2}}.") + "</mediawiki>")
    assert isinstance(item, Document)
    assert item.text == "He is 65 in 2016; $1 of 1900 is $28.85."


def test_a_page_without_a_timestamp_has_no_today():
    xml = HEAD + page(1, "A", "He is {{age|1950|4|23}}. Kept.").replace("2016-04-22T10:19:33Z", "") + "</mediawiki>"
    (item,) = read(xml)
    assert isinstance(item, Document)
    assert item.text == "Kept."


def test_headings_and_lists_become_markdown():
    assert plain("Lead.\n==History==\n* one\n** two\n# three\n: indented\n=== Detail ===\nEnd.") == (
        "Lead.\n\n## History\n\n- one\n  - two\n- three\nindented\n\n### Detail\n\nEnd."
    )


def test_dropped_sections_go_with_what_is_below_them_and_empty_headings_go_too():
    assert plain("Lead.\n==See also==\n* [[A]]\n===Lists===\n* [[B]]\n==Empty==\n===Emptier===\n{{x}}\n==Kept==\n===Below===\nText.") == (
        "Lead.\n\n## Kept\n\n### Below\n\nText."
    )


def test_surplus_white_space_does_not_change_the_document():
    text = "Lead {{x}}.\n\n==History==\n\n* one\n* two\n\nPara."
    loose = "\n\n" + text.replace("\n\n", "  \r\n\r\n\r\n") + " \r\n\r\n"
    assert read(HEAD + page(1, "A", loose) + "</mediawiki>") == read(HEAD + page(1, "A", text) + "</mediawiki>")


def test_a_real_dump_reads_as_clean_prose(shared_data: Path):
    path = shared_data / "wiki-dump-en" / "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
    items = list(SPEC.read(SourceFile(path.name, lambda: path.open("rb")), CONFIG))
    assert Counter(item.reason for item in items if isinstance(item, Reject)) == {"redirect": 99, "namespace": 1}
    documents = {item.title: item.text for item in items if isinstance(item, Document)}
    assert len(documents) == 106
    assert documents["Anarchism"].startswith(
        "Anarchism is a political philosophy that advocates self-governed societies based on voluntary institutions."
    )
    assert not [title for title, text in documents.items() if "[[" in text or "<ref" in text or "''" in text]
    assert "At 1,300 miles (2,100 km), Alabama has one of the longest navigable inland waterways" in documents["Alabama"]
    assert not [item.title for item in items if isinstance(item, Document) and "sentences with a lost template" in item.losses]
    assert not [title for title, text in documents.items() if any("\ufdd0" <= sign <= "\ufdef" for sign in text)]


@pytest.mark.parametrize(("name", "num_documents"), [("enwiki-table-markup.xml.bz2", 5), ("bgwiki-latest-pages-articles-shortened.xml.bz2", 1)])
def test_other_real_dumps_leave_no_table_or_template(shared_data: Path, name: str, num_documents: int):
    items = list(SPEC.read(SourceFile(name, lambda: (shared_data / "wiki-dump-en" / name).open("rb")), CONFIG))
    texts = [item.text for item in items if isinstance(item, Document)]
    assert len(texts) == num_documents
    assert not [mark for text in texts for mark in ("{|", "|}", "|-", "{{", "}}", "[[", "colspan", "style=") if mark in text]
