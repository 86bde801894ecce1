"""Partitions of sources: which files they hold, and what a change of files does to them."""

import os
import uuid
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest

from resources.storage import sources as observed_sources
from resources.storage.lake import Lake
from resources.storage.sources import (
    FileChanges,
    Location,
    ObservedSources,
    SourceVanished,
    file_changes,
    list_files,
    load_sources,
    observe,
    open_file,
    save_sources,
)


def location(root: Path | str, files_per_partition: int = 1, patterns: tuple[str, ...] = ("*.txt",)) -> Location:
    return Location(str(root), patterns, "base", files_per_partition)


def look(before: ObservedSources, folder: Path, files_per_partition: int = 1) -> ObservedSources:
    return observe(before, {"books": location(folder, files_per_partition)}, {})


def layout(now: ObservedSources) -> dict[str, list[str]]:
    return {partition.key: [file.path for file in partition.files] for partition in now.partitions}


def contents(now: ObservedSources) -> dict[str, str]:
    return {partition.key: partition.content for partition in now.partitions}


def move_time(path: Path) -> None:
    """Touch a file so that its time differs, however coarse the clock is."""
    later = path.stat().st_mtime_ns + 5_000_000_000
    os.utime(path, ns=(later, later))


@pytest.fixture
def books(tmp_path: Path) -> Path:
    folder = tmp_path / "books"
    folder.mkdir()
    for name in ("a", "b", "c"):
        (folder / f"{name}.txt").write_text(name)
    return folder


@pytest.fixture
def read_files(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that are read from here on."""
    read: list[str] = []
    digest: Callable[[Location, str], str] = observed_sources.digest_of

    def spy(where: Location, path: str) -> str:
        read.append(path)
        return digest(where, path)

    monkeypatch.setattr(observed_sources, "digest_of", spy)
    return read


def test_each_file_is_a_partition_in_order_of_path(books: Path) -> None:
    assert layout(look(ObservedSources(), books)) == {"books.base.000": ["a.txt"], "books.base.001": ["b.txt"], "books.base.002": ["c.txt"]}


def test_new_files_make_new_partitions_and_leave_the_old_ones(books: Path) -> None:
    before = look(ObservedSources(), books)
    (books / "aa.txt").write_text("sorts before b")
    now = look(before, books)
    assert now.partitions[:3] == before.partitions
    assert layout(now)["books.base.003"] == ["aa.txt"]
    assert len(now.partitions) == 4


def test_files_are_grouped_and_a_group_that_is_not_full_is_not_filled_up_later(books: Path) -> None:
    before = look(ObservedSources(), books, files_per_partition=2)
    assert layout(before) == {"books.base.000": ["a.txt", "b.txt"], "books.base.001": ["c.txt"]}
    for name in ("d", "e", "f"):
        (books / f"{name}.txt").write_text(name)
    now = look(before, books, files_per_partition=2)
    assert layout(now) == {**layout(before), "books.base.002": ["d.txt", "e.txt"], "books.base.003": ["f.txt"]}


def test_nothing_new_is_nothing_read(books: Path, read_files: list[str]) -> None:
    before = look(ObservedSources(), books)
    read_files.clear()
    assert look(before, books) == before
    assert read_files == []


def test_a_touched_file_is_read_once_more_and_its_content_stays(books: Path, read_files: list[str]) -> None:
    before = look(ObservedSources(), books)
    read_files.clear()
    move_time(books / "b.txt")
    touched = look(before, books)
    assert read_files == ["b.txt"]
    assert contents(touched) == contents(before)
    look(touched, books)
    assert read_files == ["b.txt"]


def test_a_changed_file_changes_its_partition_alone(books: Path) -> None:
    before = look(ObservedSources(), books)
    (books / "b.txt").write_text("B")  # as long as before
    move_time(books / "b.txt")
    now = look(before, books)
    assert layout(now) == layout(before)
    assert [key for key in contents(now) if contents(now)[key] != contents(before)[key]] == ["books.base.001"]


def test_a_deleted_file_retires_its_partition_and_its_number_is_not_given_again(books: Path) -> None:
    before = look(ObservedSources(), books)
    (books / "c.txt").unlink()
    without = look(before, books)
    assert [partition.key for partition in without.active] == ["books.base.000", "books.base.001"]
    (books / "d.txt").write_text("d")
    assert layout(look(without, books)) == {
        "books.base.000": ["a.txt"],
        "books.base.001": ["b.txt"],
        "books.base.002": [],
        "books.base.003": ["d.txt"],
    }


def test_a_file_that_returns_takes_its_old_partition(books: Path) -> None:
    before = look(ObservedSources(), books)
    text = (books / "b.txt").read_text()
    (books / "b.txt").unlink()
    without = look(before, books)
    (books / "b.txt").write_text(text)
    (books / "d.txt").write_text("d")
    again = look(without, books)
    assert layout(again) == {**layout(before), "books.base.003": ["d.txt"]}
    assert contents(again)["books.base.001"] == contents(before)["books.base.001"]


def test_a_source_that_is_empty_where_it_was_not_is_an_error_and_retires_nothing(books: Path) -> None:
    before = look(ObservedSources(), books)
    for path in books.iterdir():
        path.unlink()
    with pytest.raises(SourceVanished, match=r"the source 'books' had 3 files and has none now.*is the disk mounted"):
        look(before, books)


def test_a_group_that_loses_a_file_changes_and_stays(books: Path) -> None:
    before = look(ObservedSources(), books, files_per_partition=2)
    (books / "a.txt").unlink()
    now = look(before, books, files_per_partition=2)
    assert layout(now)["books.base.000"] == ["b.txt"]
    assert contents(now)["books.base.000"] != contents(before)["books.base.000"]


def test_sources_count_by_themselves_and_arrive_in_order(books: Path, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.txt").write_text("same name as a book")
    both = {"books": location(books), "logs": location(tmp_path / "logs")}
    first = observe(ObservedSources(), both, {})
    (books / "d.txt").write_text("d")
    keys = [partition.key for partition in observe(first, both, {}).partitions]
    assert keys == ["books.base.000", "books.base.001", "books.base.002", "logs.base.000", "books.base.003"]


def test_a_source_that_leaves_the_recipe_is_retired(books: Path) -> None:
    assert observe(look(ObservedSources(), books), {}, {}).active == ()


def test_hidden_files_and_files_of_another_kind_do_not_count(books: Path) -> None:
    (books / ".a.txt").write_text("an editor's")
    (books / ".git").mkdir()
    (books / ".git" / "d.txt").write_text("a tool's")
    (books / "readme.md").write_text("no book")
    (books / "deep").mkdir()
    (books / "deep" / "e.txt").write_text("a book")
    assert list(list_files(location(books))) == ["a.txt", "b.txt", "c.txt", "deep/e.txt"]


def test_a_hidden_folder_above_the_source_hides_nothing(tmp_path: Path) -> None:
    folder = tmp_path / ".mill" / "books"
    folder.mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    assert list(list_files(location(folder))) == ["a.txt"]


def test_one_file_may_be_a_source_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "dump.xml.bz2"
    path.write_text("pages")
    assert list(list_files(location(path))) == ["dump.xml.bz2"]
    with open_file(location(path), "dump.xml.bz2") as stream:
        assert stream.read() == b"pages"


def test_a_missing_folder_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=rf"{tmp_path}/nowhere: no such file or folder; correct the recipe's path"):
        observe(ObservedSources(), {"books": location(tmp_path / "nowhere")}, {})


def test_inputs_are_observed_whole(books: Path) -> None:
    inputs = {"evals": location(books)}
    before = observe(ObservedSources(), {}, inputs)
    assert before.partitions == [] and [file.path for file in before.inputs["evals"].files] == ["a.txt", "b.txt", "c.txt"]
    move_time(books / "a.txt")
    assert observe(before, {}, inputs).inputs["evals"].content == before.inputs["evals"].content
    (books / "a.txt").write_text("changed")
    assert observe(before, {}, inputs).inputs["evals"].content != before.inputs["evals"].content


def test_a_partition_is_found_by_key_and_an_unknown_one_told_with_those_there_are(books: Path) -> None:
    now = look(ObservedSources(), books)
    assert now.partition("books.base.001").files[0].path == "b.txt"
    with pytest.raises(KeyError, match=r"no partition books\.base\.009; the sources have books\.base\.000, books\.base\.001, books\.base\.002"):
        now.partition("books.base.009")


def test_a_registry_is_kept_in_the_lake(books: Path, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake", tmp_path / "cache")
    assert load_sources(lake, "small") == ObservedSources()
    now = look(ObservedSources(), books)
    save_sources(lake, "small", now)
    assert load_sources(lake, "small") == now


def test_files_on_an_object_store_are_partitions_too() -> None:
    url = f"memory://{uuid.uuid4().hex}/books"
    filesystem, root = fsspec.url_to_fs(url)
    filesystem.pipe({f"{root}/a.txt": b"a", f"{root}/deep/b.txt": b"b", f"{root}/.hidden.txt": b"no"})
    before = observe(ObservedSources(), {"books": location(url)}, {})
    assert layout(before) == {"books.base.000": ["a.txt"], "books.base.001": ["deep/b.txt"]}
    with open_file(location(url), "deep/b.txt") as stream:
        assert stream.read() == b"b"
    filesystem.pipe({f"{root}/c.txt": b"c", f"{root}/a.txt": b"longer"})
    now = observe(before, {"books": location(url)}, {})
    assert layout(now) == {**layout(before), "books.base.002": ["c.txt"]}
    assert [key for key in contents(before) if contents(now)[key] != contents(before)[key]] == ["books.base.000"]


def test_files_that_came_changed_and_went_are_told_by_source(books: Path) -> None:
    before = look(ObservedSources(), books)
    (books / "a.txt").unlink()
    (books / "b.txt").write_text("another")
    (books / "d.txt").write_text("d")
    assert file_changes(before, look(before, books)) == {"books": FileChanges(new=["d.txt"], changed=["b.txt"], gone=["a.txt"])}
    assert file_changes(before, before) == {}
