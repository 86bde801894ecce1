"""``mill init``: a recipe beside the user's own data."""

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from kernels.specs.extras import Extra
from pipelines.commands import init  # noqa: F401, adds its command
from pipelines.planning.planner import observe_sources
from pipelines.recipe.graph import build_graph
from pipelines.recipe.scaffold import scaffold, scaffold_with_account
from pipelines.recipe.schema import load_recipe, specs
from pipelines.terminal.application import app
from resources.storage.home import Home

CHAT = json.dumps({"messages": [{"role": "user", "content": "What is a tide table?"}, {"role": "assistant", "content": "A list of high waters."}]})
RECORD = json.dumps({"id": 7, "content": "A tide table lists high water for each day of the year."})
SHAREGPT = json.dumps([{"conversations": [{"from": "human", "value": "Hello there"}, {"from": "gpt", "value": "Good day"}]}])


def table(write: str = "parquet") -> bytes:
    rows = pa.table({"n": [1, 2], "body": ["A long body of text stands here", "Another long body of text"]})
    if write == "parquet":
        sink = io.BytesIO()
        pq.write_table(rows, sink)
        return sink.getvalue()
    stream = pa.BufferOutputStream()
    with pa.ipc.new_stream(stream, rows.schema) as writer:
        writer.write_table(rows)
    return stream.getvalue().to_pybytes()


def archive(name: str) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as packed:
        packed.writestr(name, "x = 1\n")
    return sink.getvalue()


EXAMPLES: dict[str, tuple[str, bytes]] = {
    "arrow": ("a.arrow", table("arrow")),
    "books": ("a.TXT", b"A book."),
    "chats": ("a.jsonl", CHAT.encode()),
    "code": ("a.py", b"x = 1\n"),
    "csv": ("a.csv", "id;Review\n1;Ein gutes Buch über Ebbe und Flut\n".encode("utf-16")),
    "datasets": ("data-00000-of-00001.arrow", table("arrow")),
    "docx": ("a.docx", b"PK"),
    "epub": ("a.epub", b"PK"),
    "html": ("a.html", b"<html>"),
    "jsonl": ("a.jsonl", RECORD.encode()),
    "markdown": ("a.md", b"# A"),
    "parquet": ("a.parquet", table()),
    "pdf": ("a.pdf", b"%PDF"),
    "reddit": ("RS_2019-04.zst", b""),
    "stackexchange": ("Posts.xml", b"<posts/>"),
    "text": ("a.txt", b"one<|endoftext|>two"),
    "web": ("a.warc.gz", b""),
    "wet": ("a.warc.wet.gz", b""),
    "wikipedia": ("a.xml", b'<mediawiki xml:lang="en"></mediawiki>'),
}


def files_by_source(folder: Path) -> dict[str, set[str]]:
    home = Home.resolve(folder / ".mill", {})
    observed = observe_sources(build_graph(load_recipe(folder / "recipe.yaml"), home), home.lake())
    found: dict[str, set[str]] = {}
    for partition in observed.active:
        found.setdefault(partition.source, set()).update(file.path for file in partition.files)
    return found


def test_the_formats_found_become_sources_and_each_reads_its_own_files(tmp_path: Path) -> None:
    folder = tmp_path / "My Data 2"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.txt").write_text("A book.")
    (folder / "deep" / "b.py").write_text("x = 1\n")
    (folder / "c.jsonl").write_text(CHAT)
    (folder / "d.jsonl").write_text(RECORD)
    (folder / "deep" / "d.jsonl").write_text(CHAT)
    (folder / "package.json").write_text('{"name": "x"}')
    (folder / "share.json").write_text(SHAREGPT)
    recipe = load_recipe(scaffold(folder))
    assert recipe.name == "my_data_2"
    assert files_by_source(folder) == {
        "books": {"a.txt"},
        "code": {"deep/b.py", "package.json"},
        "chats": {"c.jsonl", "deep/d.jsonl", "share.json"},
        "jsonl": {"d.jsonl"},
    }
    assert set(recipe.entries.mixtures["pretrain"].weights) == {"books", "code", "jsonl"}
    entry = recipe.entries.sources["jsonl"]
    assert (entry.text_field, entry.id_field) == ("content", "id")


@pytest.mark.parametrize("format_", list(specs("sources")))
def test_every_format_is_recognised_by_what_is_inside_and_makes_a_valid_recipe(format_: str, tmp_path: Path) -> None:
    name, data = EXAMPLES[format_]
    (tmp_path / name).write_bytes(data)
    written = scaffold_with_account(tmp_path)
    assert list(load_recipe(written.path).entries.sources) == [format_]
    assert written.account[0].startswith(f"{format_}: 1 file read as {format_} (")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.jsonl", b"{}\n"),
        ("a.json", b'{"a": 1}'),
        ("a.xml", b"<feed/>"),
        ("a.csv", b"n,m\n1,2\n"),
        ("a.parquet", b"PAR1"),
        ("a.zip", archive("notes.bin")),
        ("a.txt", b"\0\1\2"),
    ],
)
def test_what_is_not_what_its_name_says_is_left_out_and_named(name: str, data: bytes, tmp_path: Path) -> None:
    (tmp_path / "book.md").write_text("# A page")
    (tmp_path / name).write_bytes(data)
    account = scaffold_with_account(tmp_path).account
    if name == "a.json":  # a file of settings is code
        assert any(line.startswith("code: 1 file") for line in account)
    else:
        assert f"not read: 1 file (nothing in them that a format of such names reads): {name}" in account
        assert name not in files_by_source(tmp_path).get("code", set())


def test_what_nothing_reads_is_counted_and_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("A book.")
    (tmp_path / ".hidden").write_text("x")
    (tmp_path / "lost").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe.txt")
    for number in range(7):
        (tmp_path / f"{number}.bin").write_text("x")
    assert scaffold_with_account(tmp_path).account[1:] == [
        "not read: 1 file (a link that leads nowhere): lost",
        "not read: 1 file (a FIFO, no file): pipe.txt",
        "not read: 1 file (hidden: the name begins with a dot): .hidden",
        "not read: 7 files (no source reads files of such a name): 0.bin, 1.bin, 2.bin, 3.bin, 4.bin and 2 more",
    ]


@pytest.mark.parametrize(
    ("folder", "name"), [("日本語", "mine"), ("data [v2]", "data_v2"), ("1 'quoted'\"", "r_1_quoted"), ("a::b", "a_b"), ("übung", "bung")]
)
def test_a_folder_may_have_any_name(folder: str, name: str, tmp_path: Path) -> None:
    (tmp_path / folder / "in [1]").mkdir(parents=True)
    (tmp_path / folder / "in [1]" / "a#b: c.jsonl").write_text(CHAT)
    (tmp_path / folder / "d.jsonl").write_text(RECORD)
    assert load_recipe(scaffold(tmp_path / folder)).name == name
    assert files_by_source(tmp_path / folder) == {"chats": {"in [1]/a#b: c.jsonl"}, "jsonl": {"d.jsonl"}}


def test_an_extra_that_is_needed_and_absent_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    assert len(scaffold_with_account(tmp_path).account) == 1
    (tmp_path / "recipe.yaml").unlink()
    monkeypatch.setattr("importlib.util.find_spec", lambda module: None)
    assert scaffold_with_account(tmp_path).account[1] == "reading them needs the extra 'pdf': pip install 'modelmill[pdf]'"


def test_what_is_said_of_an_extra_is_said_as_it_is_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    monkeypatch.setattr(Extra, "is_installed", lambda extra: False)
    said = CliRunner().invoke(app, ["init", str(tmp_path)]).output
    assert "the extra 'pdf': pip install 'modelmill[pdf]'" in said and "\\" not in said


def test_sources_have_the_share_of_their_size(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("A book. " * 300)
    (tmp_path / "b.md").write_text("# Page\n" + "words " * 10)
    entries: Any = load_recipe(scaffold(tmp_path)).entries
    assert entries.mixtures["pretrain"].weights == {"books": 0.97, "markdown": 0.027}


@pytest.mark.parametrize(("num_bytes", "num_steps"), [(100, 60), (400_000, 781), (10_000_000, 900)])
def test_a_model_is_trained_for_as_long_as_the_data_last(num_bytes: int, num_steps: int, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("A book. ".ljust(num_bytes))
    entries: Any = load_recipe(scaffold(tmp_path)).entries
    assert entries.models["base"].num_steps == num_steps
    assert num_steps * 1024 / (num_bytes / 4) < entries.mixtures["pretrain"].max_epochs or num_bytes == 100


def test_chats_teach_the_model_that_other_texts_made(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("A book. " * 300)
    (tmp_path / "c.jsonl").write_text(CHAT)
    entries: Any = load_recipe(scaffold(tmp_path)).entries
    assert entries.models["sft"].data == ["chats"] and entries.models["sft"].parents == ["base"]
    assert list(entries.mixtures["pretrain"].weights) == ["books"]


def test_a_recipe_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("A book.")
    scaffold(tmp_path)
    with pytest.raises(FileExistsError, match=r"recipe\.yaml"):
        scaffold(tmp_path)


def test_a_folder_without_readable_files_is_told_with_the_formats(tmp_path: Path) -> None:
    (tmp_path / "a.xyz").write_text("?")
    with pytest.raises(FileNotFoundError, match=r"wikipedia: \*\.xml.*it holds: not read: 1 file .*a\.xyz"):
        scaffold(tmp_path)
    with pytest.raises(FileNotFoundError, match="no such folder"):
        scaffold(tmp_path / "nowhere")
