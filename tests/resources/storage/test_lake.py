"""A cell is the old one or the new one, whole, whatever happens to its writer."""

import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pytest

from resources.storage.content import hash_folder
from resources.storage.lake import Lake
from resources.storage.manifest import Cell, Manifest, Parent, Verdict, fingerprint
from resources.storage.publishing import MadeFrom, draft, publish, sweep
from resources.storage.tables import write_table
from resources.storage.versions import history, trouble_of
from tests.locations import PROJECT

CELL = Cell("small", "corpus/documents", "books.base.000")


def put(lake: Lake, cell: Cell = CELL, value: str = "old", parents: tuple[Parent, ...] = ()) -> Manifest:
    with draft(lake, cell) as begun:
        write_table(begun.folder / "documents.parquet", pa.table({"text": [value] * 3}))
        (begun.folder / "deep").mkdir()
        (begun.folder / "deep" / "note.txt").write_text(value)
        begun.num_rows = 3
        return publish(lake, begun, MadeFrom(code_version="1", config={"value": value}, parents=list(parents)))


def texts(lake: Lake, cell: Cell = CELL) -> list[str]:
    return lake.table(cell, "documents")["text"].to_pylist()


def folders(lake: Lake, cell: Cell = CELL) -> list[str]:
    return sorted(path.name for path in Path(lake.place(cell)).iterdir())


def names_of(manifest: Manifest) -> tuple[str, str]:
    return manifest.version, f"{manifest.version}.json"


def verdict(content: str, passed: bool = True) -> Verdict:
    return Verdict(content=content, version="1", passed=passed, blocking=True, description="")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake", tmp_path / "cache")


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[Lake]:
    url = f"memory://{uuid.uuid4().hex}/lake"
    yield Lake(url, tmp_path / "cache")
    filesystem, root = fsspec.url_to_fs(url)
    if filesystem.exists(root):
        filesystem.rm(root, recursive=True)


def test_what_is_published_is_read_back(lake: Lake) -> None:
    parent = Parent(name="sources/books[books.base.000]", content="abc")
    put(lake, parents=(parent,))
    manifest = lake.require(CELL)
    assert texts(lake) == ["old"] * 3
    assert (manifest.num_rows, manifest.config, manifest.parents) == (3, {"value": "old"}, [parent])
    assert manifest.fingerprint == fingerprint("1", {"value": "old"}, [parent])
    assert manifest.files == {name: (lake.folder(CELL) / name).stat().st_size for name in ("deep/note.txt", "documents.parquet")}
    assert manifest.size_bytes == sum(manifest.files.values())
    assert manifest.content == hash_folder(lake.folder(CELL))


def test_another_process_sees_what_was_published(lake: Lake) -> None:
    put(lake)
    put(lake, value="new")
    assert texts(Lake(lake.root, lake.cache)) == ["new"] * 3


def test_a_reader_that_has_read_before_sees_the_new_version(lake: Lake) -> None:
    put(lake)
    other = Lake(lake.root, lake.cache)
    assert texts(other) == ["old"] * 3
    put(lake, value="new")
    assert texts(other) == ["new"] * 3


def test_replacing_a_cell_keeps_the_old_version_whole_and_leaves_no_draft(lake: Lake) -> None:
    first = put(lake)
    second = put(lake, value="new")
    assert first.version != second.version
    assert [manifest.version for manifest in history(lake, CELL)] == [second.version, first.version]
    assert trouble_of(lake, first) == ""
    assert list(lake.drafts.iterdir()) == []


def test_an_exception_while_writing_leaves_the_old_cell(lake: Lake) -> None:
    before = put(lake)

    def fail() -> None:
        with draft(lake, CELL) as begun:
            (begun.folder / "documents.parquet").write_text("half")
            raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError, match="the disk is full"):
        fail()
    assert lake.require(CELL) == before
    assert texts(lake) == ["old"] * 3
    assert list(lake.drafts.iterdir()) == []


def test_files_that_tell_of_the_making_do_not_count_as_content(lake: Lake) -> None:
    contents = set()
    for speed in ("fast", "slow"):
        with draft(lake, CELL) as begun:
            (begun.folder / "weights.txt").write_text("same")
            (begun.folder / "speeds.txt").write_text(speed)
            begun.unhashed.append("speeds.txt")
            contents.add(publish(lake, begun, MadeFrom(code_version="1", config={"speed": speed}, parents=[])).content)
    assert len(contents) == 1


def test_a_cell_that_is_missing_is_named_with_the_remedy(lake: Lake) -> None:
    assert lake.manifest(CELL) is None
    with pytest.raises(FileNotFoundError, match=r"corpus/documents\[books\.base\.000\] has not been made yet; run mill up"):
        lake.folder(CELL)


@pytest.mark.parametrize("text", ["not json", '{"recipe": "small"}', ""])
def test_a_manifest_that_cannot_be_read_is_named(lake: Lake, text: str) -> None:
    put(lake)
    path = Path(lake.place(CELL, "manifest.json"))
    path.write_text(text)
    with pytest.raises(ValueError, match=r"(?s)corpus/documents/books\.base\.000/manifest\.json: not a manifest .*delete the file"):
        lake.manifest(CELL)


def test_cells_are_listed_in_order_and_by_recipe(lake: Lake) -> None:
    cells = [Cell("small", "corpus/filtered", "a.base.001"), Cell("small", "corpus/filtered", "a.base.000"), Cell("small", "models/base")]
    for cell in (*cells, Cell("other", "models/base")):
        put(lake, cell)
    assert lake.cells("small") == [cells[1], cells[0], cells[2]]
    assert lake.cells("nowhere") == []


def test_verdicts_are_merged_by_name(lake: Lake) -> None:
    put(lake)
    assert lake.verdicts(CELL) == {}
    lake.record_verdicts(CELL, {"ids": verdict("1"), "texts": verdict("1")}, ["ids", "texts"])
    lake.record_verdicts(CELL, {"texts": verdict("2", passed=False)}, ["ids", "texts"])
    assert lake.verdicts(CELL) == {"ids": verdict("1"), "texts": verdict("2", passed=False)}


def test_a_state_is_kept_beside_the_cells_and_is_none_of_them(lake: Lake) -> None:
    assert lake.read_state("small", "sources.json") is None
    lake.write_state("small", "sources.json", "{}")
    lake.write_state("small", "sources.json", "[]")
    assert lake.read_state("small", "sources.json") == "[]"
    assert lake.cells("small") == []


def test_sweeping_spares_what_a_manifest_names(lake: Lake) -> None:
    whole = Cell("small", "models/base")
    put(lake)
    put(lake, whole, value="model")
    lake.record_verdicts(CELL, {"ids": verdict("1")}, ["ids"])
    lake.write_state("small", "sources.json", "{}")
    assert sweep(lake) == []
    assert (texts(lake), texts(lake, whole)) == (["old"] * 3, ["model"] * 3)


def test_sweeping_removes_what_no_manifest_names_and_says_what(lake: Lake) -> None:
    put(lake)
    orphan = Path(lake.place(CELL, "v-0123456789ab"))
    orphan.mkdir()
    (orphan / "documents.parquet").write_text("half")
    lost = lake.drafts / "lost"
    lost.mkdir()
    aside = orphan.with_name(".manifest.json.0123")
    aside.write_text("half")
    assert set(sweep(lake)) == {str(orphan), str(lost), str(aside)}
    assert not (orphan.exists() or lost.exists() or aside.exists())
    assert texts(lake) == ["old"] * 3


def test_sweeping_removes_a_draft_whatever_its_files_are_called(lake: Lake) -> None:
    lost = lake.drafts / "lost"
    (lost / "v-states").mkdir(parents=True)
    (lost / ".progress.json.0123").write_text("half")
    sweep(lake)
    assert not lost.exists()


def test_sweeping_spares_the_versions_of_a_cell_whose_manifest_cannot_be_read(lake: Lake) -> None:
    manifest = put(lake)
    Path(lake.place(CELL, "manifest.json")).write_text("not json")
    assert sweep(lake) == []
    assert trouble_of(lake, manifest) == ""


# --- kill -9 ---

MOMENTS = """
import os, signal, sys
from pathlib import Path
import pyarrow as pa

def run(root, cache, moment):
    import shutil
    from resources.storage.lake import Lake
    from resources.storage.manifest import Cell
    from resources.storage.publishing import MadeFrom, draft, publish
    from resources.storage.tables import write_table
    left = moment

    def deadly(function):
        def call(*arguments, **keywords):
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **keywords)
        return call

    for module, names in ((os, ("fsync", "replace", "rename", "unlink", "remove", "rmdir", "mkdir")), (shutil, ("rmtree",))):
        for name in names:
            setattr(module, name, deadly(getattr(module, name)))
    for name in ("replace", "rename", "unlink", "mkdir"):
        setattr(Path, name, deadly(getattr(Path, name)))
    lake = Lake(root, cache)
    with draft(lake, Cell("small", "corpus/documents", "books.base.000")) as begun:
        write_table(begun.folder / "documents.parquet", pa.table({"text": ["new"] * 3}))
        (begun.folder / "deep").mkdir()
        (begun.folder / "deep" / "note.txt").write_text("new")
        begun.num_rows = 3
        publish(lake, begun, MadeFrom(code_version="1", config={"value": "new"}, parents=[]))

import resources.storage.publishing
pa.table({"text": ["warm"]})
for line in sys.stdin:  # one child a moment, forked from here: the imports are paid for once
    root, cache, moment = line.rstrip("\\n").split("\\t")
    child = os.fork()
    if child == 0:
        run(root, Path(cache), int(moment))
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def murderer() -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen([sys.executable, "-c", MOMENTS], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        assert process.stdin
        process.stdin.close()


def publish_and_die(process: "subprocess.Popen[str]", lake: Lake, moment: int) -> int:
    """Publish a new version in a child that kills itself at its n-th touch of the file system; return the child's exit code."""
    assert process.stdin and process.stdout
    process.stdin.write(f"{lake.root}\t{lake.cache}\t{moment}\n")
    process.stdin.flush()
    return int(process.stdout.readline())


def check_whole(lake: Lake) -> str:
    manifest = lake.require(CELL)
    (value,) = set(texts(lake))
    assert manifest.config == {"value": value}
    assert hash_folder(lake.folder(CELL)) == manifest.content
    assert manifest.files == {name: (lake.folder(CELL) / name).stat().st_size for name in manifest.files}
    return value


def test_a_writer_killed_at_any_moment_leaves_the_old_cell_or_the_new_one_whole(tmp_path: Path, murderer: "subprocess.Popen[str]") -> None:
    outcomes: list[str] = []
    num_leftovers = 0
    moment, code = 0, -signal.SIGKILL
    while code == -signal.SIGKILL:
        moment += 1
        lake = Lake(tmp_path / str(moment) / "lake", tmp_path / str(moment) / "cache")
        put(lake)
        code = publish_and_die(murderer, lake, moment)
        found = Lake(lake.root, lake.cache)
        outcomes.append(check_whole(found))
        num_leftovers += len(sweep(found))
        assert folders(found) == sorted({"manifest.json", ".lock"} | {name for version in history(found, CELL) for name in names_of(version)}), moment
        assert all(trouble_of(found, manifest) == "" for manifest in history(found, CELL))
        assert list(found.drafts.glob("*")) == []
        assert check_whole(found) == outcomes[-1]
        shutil.rmtree(tmp_path / str(moment))
    assert code == 0
    assert outcomes == sorted(outcomes, reverse=True), "first the old one, from some moment on the new one"
    assert outcomes.count("old") > 5 and outcomes.count("new") > 2
    assert num_leftovers > 5


def test_a_first_publication_killed_at_any_moment_leaves_no_cell_or_a_whole_one(tmp_path: Path, murderer: "subprocess.Popen[str]") -> None:
    outcomes: list[bool] = []
    moment, code = 0, -signal.SIGKILL
    while code == -signal.SIGKILL:
        moment += 1
        lake = Lake(tmp_path / str(moment) / "lake", tmp_path / str(moment) / "cache")
        code = publish_and_die(murderer, lake, moment)
        found = Lake(lake.root, lake.cache)
        outcomes.append(found.manifest(CELL) is not None)
        sweep(found)
        assert all((path.with_name(path.name + ".json")).exists() for path in Path(lake.root).rglob("v-*") if path.is_dir())
        if outcomes[-1]:
            assert check_whole(found) == "new"
        shutil.rmtree(tmp_path / str(moment))
    assert code == 0 and outcomes[-1] and not outcomes[0]
    assert outcomes == sorted(outcomes)


# --- object stores ---


def test_a_lake_on_an_object_store_publishes_lists_and_fetches(remote: Lake, tmp_path: Path) -> None:
    put(remote)
    put(remote, Cell("small", "models/base"), value="model")
    reader = Lake(f"memory:/{remote.root}", tmp_path / "elsewhere")
    assert reader.root == remote.root
    assert reader.cells("small") == [CELL, Cell("small", "models/base")]
    assert reader.folder(CELL).is_relative_to(tmp_path / "elsewhere")
    assert check_whole(reader) == "old"
    assert texts(reader, Cell("small", "models/base")) == ["model"] * 3
    assert not (tmp_path / "lake").exists()


def test_a_folder_of_an_object_store_is_fetched_once(remote: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    put(remote)
    folder = remote.folder(CELL)

    def refuse(*arguments: Any, **keywords: Any) -> None:
        raise AssertionError("fetched again")

    monkeypatch.setattr(remote.filesystem, "get", refuse)
    assert remote.folder(CELL) == folder


def test_a_new_version_on_an_object_store_stands_for_the_old_one(remote: Lake) -> None:
    first = put(remote)
    remote.folder(CELL)
    second = put(remote, value="new")
    assert check_whole(remote) == "new"
    assert [manifest.version for manifest in history(remote, CELL)] == [second.version, first.version]
    assert remote.filesystem.exists(remote.place(CELL, second.version))


def test_verdicts_and_states_live_on_an_object_store_too(remote: Lake) -> None:
    put(remote)
    assert (remote.verdicts(CELL), remote.read_state("small", "sources.json"), remote.cells("nowhere")) == ({}, None, [])
    remote.record_verdicts(CELL, {"ids": verdict("1")}, ["ids"])
    remote.write_state("small", "sources.json", "{}")
    assert remote.verdicts(CELL) == {"ids": verdict("1")}
    assert remote.read_state("small", "sources.json") == "{}"


def test_sweeping_an_object_store_removes_drafts_and_spares_cells(remote: Lake) -> None:
    put(remote)
    (remote.drafts / "lost").mkdir(parents=True)
    assert sweep(remote) == [str(remote.drafts / "lost")]
    assert check_whole(remote) == "old"
