import bz2
import json
import zipfile

import polars as pl
import pytest

from assets.datasets import builder, embedded
from assets.datasets.embedded import EMBEDDED, prepare
from assets.datasets.wikipedia import DUMP
from kernels.evals.datasets.items import Item
from kernels.evals.datasets.lettered import lettered_item
from kernels.evals.datasets.records import json_lines
from kernels.reading.formats.chats import ChatsConfig
from kernels.reading.formats.chats import read as read_chats
from kernels.reading.formats.wikipedia import WikipediaConfig
from kernels.reading.formats.wikipedia import read as read_wikipedia
from kernels.specs.families import Family
from kernels.specs.sources import Document, Reject, SourceFile

SMOKE = [name for name in EMBEDDED if name.startswith("smoke-")]


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def source(path):
    return SourceFile(path.name, lambda: path.open("rb"))


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """All smoke sets, made where no package can be had."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builder, "fetch", lambda name, cache: pytest.fail(f"{name} was asked for"))
        folder = tmp_path_factory.mktemp("smoke")
        for name in SMOKE:
            prepare(name, folder, folder / "cache")
    return folder


@pytest.fixture
def made(monkeypatch):
    """A data set of one file whose content is ``made["text"]``."""
    state = {"text": "first", "runs": 0}

    def build(out):
        state["runs"] += 1
        out.write("sub/a.txt", state["text"].encode())

    monkeypatch.setitem(EMBEDDED, "tiny", build)
    return state


def test_every_module_beside_the_table_adds_its_set_and_the_smoke_set_it_has():
    full = {"books", "chats", "code", "evals", "images", "smollm2", "web", "wikipedia"}
    assert set(EMBEDDED) == full | {f"smoke-{name}" for name in full - {"smollm2"}}


def test_a_module_that_does_not_load_is_named(monkeypatch):
    monkeypatch.setattr(embedded, "collect", lambda folders: Family({}, {"web": "assets.datasets.web: NameError: no 'fetch'"}))
    with pytest.raises(ImportError, match=r"assets\.datasets\.web: NameError"):
        embedded._builds()


def test_a_set_that_is_there_is_returned_untouched(made, tmp_path):
    folder = prepare("tiny", tmp_path, tmp_path)
    (folder / "sub/a.txt").write_text("edited")
    assert (prepare("tiny", tmp_path, tmp_path) / "sub/a.txt").read_text() == "edited"
    assert made["runs"] == 1


def test_another_version_is_made_again_and_keeps_what_the_user_added(made, tmp_path, monkeypatch):
    folder = prepare("tiny", tmp_path, tmp_path)
    (folder / "sub/mine.txt").write_text("mine")
    made["text"] = "second"
    monkeypatch.setattr(builder, "VERSION", "next")
    prepare("tiny", tmp_path, tmp_path)
    assert {name: text for name, text in files(folder).items() if name != ".complete"} == {"sub/a.txt": b"second", "sub/mine.txt": b"mine"}


def test_a_file_that_is_no_longer_made_goes_with_its_version(made, tmp_path, monkeypatch):
    folder = prepare("tiny", tmp_path, tmp_path)
    monkeypatch.setattr(builder, "VERSION", "next")
    monkeypatch.setitem(EMBEDDED, "tiny", lambda out: out.write("b.txt", b"b"))
    prepare("tiny", tmp_path, tmp_path)
    assert set(files(folder)) == {".complete", "b.txt"}


def test_a_folder_of_somebody_else_is_never_overwritten(made, tmp_path):
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny/theirs.txt").write_text("theirs")
    with pytest.raises(FileExistsError, match="move it away"):
        prepare("tiny", tmp_path, tmp_path)
    assert (tmp_path / "tiny/theirs.txt").read_text() == "theirs"


def test_a_failure_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(out):
        out.write("half.txt", b"half")
        raise OSError("disk full")

    monkeypatch.setitem(EMBEDDED, "tiny", fail)
    with pytest.raises(OSError, match="disk full"):
        prepare("tiny", tmp_path, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["smoke-wikipedia", "smoke-books", "smoke-web", "smoke-chats", "smoke-evals"])
def test_a_smoke_set_has_the_same_bytes_each_time(smoke, name, tmp_path):
    assert files(prepare(name, tmp_path, tmp_path)) == files(smoke / name)


def test_the_smoke_dump_reads_as_articles_without_markup(smoke):
    records = list(read_wikipedia(source(smoke / "smoke-wikipedia/topics.xml"), WikipediaConfig(drop_sections=("See also",))))
    documents = [record for record in records if isinstance(record, Document)]
    assert len(documents) > 15
    assert sorted(record.reason for record in records if isinstance(record, Reject)) == ["namespace", "redirect"]
    assert not any(mark in document.text for document in documents for mark in ("<pre>", "<ref>", "{{Short", "[[Category", "'''"))


def test_labels_of_chats_name_the_readers_keys(smoke):
    folder = smoke / "smoke-chats"
    documents = list(read_chats(source(folder / "chats-0.jsonl"), ChatsConfig()))
    labels = pl.read_ndjson(folder / ".labels.jsonl")
    assert [document.key for document in documents] == labels["key"].to_list()
    assert not any(isinstance(document, Reject) for document in documents)


def test_originals_of_duplicates_are_labelled_clean(smoke):
    for name in ("smoke-web", "smoke-chats"):
        kinds = {row["key"]: row["kind"] for row in pl.read_ndjson(smoke / name / ".labels.jsonl").to_dicts()}
        originals = pl.read_ndjson(smoke / name / ".labels.jsonl")["original"].drop_nulls().to_list()
        assert originals and {kinds[original] for original in originals} == {"clean"}


@pytest.mark.parametrize(("name", "num_options"), [("piqa", 2), ("commonsenseqa", 5), ("openbookqa", 4)])
def test_every_smoke_question_parses_with_its_options(smoke, name, num_options):
    items = [lettered_item(key, row) for key, row in json_lines(smoke / f"smoke-evals/{name}.jsonl")]
    assert len(items) == 20
    assert all(isinstance(item, Item) and len(item.options) == num_options for item in items)


def test_the_dump_is_split_into_whole_dumps_that_hold_every_page_once(tmp_path, monkeypatch):
    def page(number):
        text = f"Text {number}. " * 20
        return f"  <page>\n    <title>T{number}</title><ns>0</ns><id>{number}</id><revision><text>{text}</text></revision>\n  </page>\n"

    dump = "<mediawiki>\n  <siteinfo><base>https://x.example/wiki/Main</base></siteinfo>\n" + "".join(map(page, range(12))) + "</mediawiki>\n"
    archive = tmp_path / "gensim.whl"
    with zipfile.ZipFile(archive, "w") as wheel:
        wheel.writestr(DUMP, bz2.compress(dump.encode()))
    monkeypatch.setattr(builder, "fetch", lambda name, cache: archive)
    folder = prepare("wikipedia", tmp_path, tmp_path)
    paths = sorted(folder.glob("*.xml.bz2"))
    records = [record for path in paths for record in read_wikipedia(source(path), WikipediaConfig(drop_sections=()))]
    assert len(paths) == 4
    assert [record.key for record in records] == [str(number) for number in range(12)]
    assert {record.url for record in records if isinstance(record, Document)} == {f"https://x.example/wiki/T{number}" for number in range(12)}


def test_every_label_row_is_complete(smoke):
    rows = [json.loads(line) for line in (smoke / "smoke-web/.labels.jsonl").read_text().splitlines()]
    assert all(set(row) == {"path", "key", "kind", "expected", "original", "values"} for row in rows)
    assert {row["path"] for row in rows} == {"web-0.warc.gz", "web-1.warc.gz"}
