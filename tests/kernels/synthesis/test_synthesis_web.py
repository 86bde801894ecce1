import io

import pytest
from warcio.archiveiterator import ArchiveIterator

from kernels.synthesis.noise import edit_slightly
from kernels.synthesis.web import TEMPLATES, render_pages, write_warc

PASSAGES = [f"Passage {number} tells of <towns> & rivers. " + "It goes on for a while about what happened there. " * 4 for number in range(300)]


@pytest.fixture(scope="module")
def pages():
    return render_pages(PASSAGES, ["Градът лежи край реката."], 1)


def of_kind(pages, kind):
    return [page for page in pages if page.kind == kind]


def test_every_passage_gives_a_page_and_every_kind_of_noise_occurs(pages):
    assert len(pages) == len(PASSAGES)
    assert {page.kind for page in pages} == {"clean", "boilerplate", "exact_duplicate", "near_duplicate", "personal_data", "foreign"}


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(pages):
    again = render_pages(PASSAGES, ["Градът лежи край реката."], 1)
    assert write_warc("w.warc.gz", pages)[0] == write_warc("w.warc.gz", again)[0]
    assert render_pages(PASSAGES, [], 2)[0].key != pages[0].key


def test_keys_are_unique(pages):
    assert len({page.key for page in pages}) == len(pages)


def test_an_exact_duplicate_says_what_its_original_says(pages):
    bodies = {page.key: page.body for page in pages}
    assert of_kind(pages, "exact_duplicate")
    for page in of_kind(pages, "exact_duplicate"):
        start = page.body.index("<p>Passage")
        assert page.body[start : page.body.index("</p>", start)] in bodies[page.original]


def test_a_near_duplicate_stands_in_another_template_with_other_words(pages):
    bodies = {page.key: page.body for page in pages}
    assert of_kind(pages, "near_duplicate")
    for page in of_kind(pages, "near_duplicate"):
        assert page.body.split("<body>")[1][:20] != bodies[page.original].split("<body>")[1][:20]


def test_planted_values_stand_in_the_page(pages):
    assert of_kind(pages, "personal_data")
    for page in of_kind(pages, "personal_data"):
        assert len(page.values) == 2 and all(value in page.body for value in page.values)


def test_foreign_pages_take_the_given_passages_first(pages):
    assert "Градът лежи край реката." in of_kind(pages, "foreign")[0].body


@pytest.mark.parametrize("template", TEMPLATES)
def test_text_is_escaped(template):
    import random

    body = template("Of <towns> & rivers.", random.Random(1))
    assert "<p>Of &lt;towns&gt; &amp; rivers.</p>" in body and "<towns>" not in body


def test_a_reader_finds_every_page_under_the_key_of_its_label(pages):
    content, labels = write_warc("w.warc.gz", pages)
    records = [record for record in ArchiveIterator(io.BytesIO(content)) if record.rec_type == "response"]
    assert [record.rec_headers.get_header("WARC-Record-ID").strip("<>") for record in records] == [each.key for each in labels]
    assert {each.path for each in labels} == {"w.warc.gz"}


@pytest.mark.parametrize("num_words", [50, 119, 120, 400])
def test_an_edited_text_is_still_of_a_similarity_of_four_fifths(num_words):
    import random

    words = [f"word{number}" for number in range(num_words)]
    for seed in range(50):
        edited = edit_slightly(" ".join(words), random.Random(seed)).split()
        one, other = ({tuple(each[start : start + 5]) for start in range(num_words - 4)} for each in (words, edited))
        assert one != other
        assert len(one & other) / len(one | other) >= 0.8
