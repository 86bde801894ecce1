"""Partitions of sources: which files they hold, and what a change of files does to them."""

import contextlib
import os
import socket
import uuid
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest

from resources.storage import sources as observed_sources
from resources.storage.lake import Lake
from resources.storage.listing import list_location
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


def test_a_location_that_is_one_file_has_no_other(tmp_path: Path) -> None:
    (tmp_path / "docs.jsonl").write_text("{}")
    for root in (str(tmp_path / "docs.jsonl"), f"file://{tmp_path / 'docs.jsonl'}"):
        location = Location(root, ("*",), "base", 1)
        with open_file(location, "docs.jsonl") as stream:
            assert stream.read() == b"{}"
        with pytest.raises(FileNotFoundError, match=r"no labels\.jsonl"):
            open_file(location, "labels.jsonl")


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


def passed(folder: Path, **chosen: tuple[str, ...]) -> dict[str, str]:
    return list_location(location(folder)._replace(**chosen)).passed


def test_what_is_no_file_or_cannot_be_named_stops_nothing_and_is_told(books: Path) -> None:
    os.mkfifo(books / "pipe.txt")
    with socket.socket(socket.AF_UNIX) as server, contextlib.chdir(books):
        server.bind("sock.txt")
    (books / "zero.txt").symlink_to("/dev/zero")
    (books / "lost.txt").symlink_to("nowhere")
    (books / "loop.txt").symlink_to("loop.txt")
    (books / "readme.md").write_text("no book")
    with open(os.fsencode(books) + b"/bad\xff.txt", "w") as file:  # noqa: PTH123 (a name that is no text)
        file.write("x")
    now = look(ObservedSources(), books)
    assert [file.path for partition in now.active for file in partition.files] == ["a.txt", "b.txt", "c.txt"]
    assert {(found.reason, *found.names) for found in now.passed} == {
        ("fifo", "pipe.txt"),
        ("socket", "sock.txt"),
        ("device", "zero.txt"),
        ("dangling_link", "loop.txt", "lost.txt"),
        ("no_pattern", "readme.md"),
        ("undecodable_name", "bad\\xff.txt"),
    }
    assert "books: 1 passed over (a FIFO, no file): pipe.txt" in [str(found) for found in now.passed]


def test_a_file_that_may_not_be_read_is_passed_over(books: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = observed_sources.digest_of

    def refuse(where: Location, path: str) -> str:
        if path == "b.txt":
            raise PermissionError(13, "Permission denied")
        return digest(where, path)

    monkeypatch.setattr(observed_sources, "digest_of", refuse)
    now = look(ObservedSources(), books)
    assert (len(now.active), [(found.reason, found.names) for found in now.passed]) == (2, [("unreadable", ["b.txt"])])


def test_what_another_source_or_input_reads_is_not_passed_over(books: Path) -> None:
    (books / "a.md").write_text("a page")
    (books / "b.xyz").write_text("?")
    (books / "evals.json").write_text("[]")
    both = {"books": location(books), "pages": location(books, patterns=("*.MD",))}
    now = observe(ObservedSources(), both, {"evals": location(books / "evals.json", patterns=("*",))})
    assert [(found.source, found.names) for found in now.passed] == [("books", ["b.xyz"])]
    assert now.passed_content("books") != now.passed_content("pages") == ObservedSources().passed_content("books")


def test_many_files_passed_over_are_counted_and_the_first_of_them_named(books: Path) -> None:
    for number in range(150):
        (books / f"{number:03d}.xyz").write_text("?")
    (found,) = look(ObservedSources(), books).passed
    assert (found.count, len(found.names), found.names[0]) == (150, 100, "000.xyz")
    assert str(found).endswith("099.xyz and 50 more")


def test_state_within_a_source_is_left_out_and_told(books: Path) -> None:
    (books / "home" / "lake").mkdir(parents=True)
    (books / "home" / "lake" / "z.txt").write_text("made from them")
    assert passed(books, state=(str(books / "home"),)) == {"home/": "state"}
    assert list(list_files(location(books / "home" / "lake")._replace(state=(str(books / "home"),)))) == ["z.txt"]


def test_capital_letters_count_as_small_ones_and_a_slash_means_the_path(books: Path) -> None:
    (books / "deep").mkdir()
    (books / "deep" / "A.TXT").write_text("a")
    assert list(list_files(location(books))) == ["a.txt", "b.txt", "c.txt", "deep/A.TXT"]
    assert list(list_files(location(books, patterns=("deep/*.txt", "/b.txt")))) == ["b.txt", "deep/A.TXT"]
    assert list(list_files(location(books, patterns=("/a.txt",)))) == ["a.txt"]


def test_a_link_counts_as_what_it_leads_to(books: Path, tmp_path: Path, read_files: list[str]) -> None:
    target = tmp_path / "target"
    target.write_text("one")
    (books / "link.txt").symlink_to(target)
    before = look(ObservedSources(), books)
    read_files.clear()
    stamp = target.stat().st_mtime_ns
    other = tmp_path / "other"
    other.write_text("two")
    os.utime(other, ns=(stamp, stamp))
    other.replace(target)  # of equal size and time: only inode and change time tell
    now = look(before, books)
    assert read_files == ["link.txt"]
    assert contents(now) != contents(before)


def test_folders_behind_links_are_read_once_and_never_round_in_circles(books: Path, tmp_path: Path) -> None:
    (tmp_path / "more" / "deep").mkdir(parents=True)
    (tmp_path / "more" / "deep" / "d.txt").write_text("d")
    (books / "more").symlink_to(tmp_path / "more")
    (books / "again").symlink_to(tmp_path / "more")
    (tmp_path / "more" / "up").symlink_to(tmp_path)
    (books / "self").symlink_to(".")
    assert list(list_files(location(books))) == ["a.txt", "again/deep/d.txt", "b.txt", "c.txt"]
    assert passed(books) == {"again/up/": "folder_read_already", "more/": "folder_read_already", "self/": "folder_read_already"}


def test_a_source_that_is_no_file_is_refused_and_one_that_is_lost_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="a FIFO, no file; name a folder or a file"):
        list_files(location(tmp_path / "pipe"))
    (tmp_path / "lost").symlink_to("nowhere")
    with pytest.raises(FileNotFoundError, match="a link that leads nowhere"):
        list_files(location(tmp_path / "lost"))


def test_a_folder_may_be_named_as_file_systems_chain_addresses(tmp_path: Path) -> None:
    folder = tmp_path / "a::b [v2] 日本語*"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    assert list(list_files(location(folder))) == ["a.txt"]
    with open_file(location(folder), "a.txt") as stream:
        assert stream.read() == b"a"


def test_files_that_nothing_reads_on_an_object_store_are_told_too() -> None:
    url = f"memory://{uuid.uuid4().hex}/books"
    filesystem, root = fsspec.url_to_fs(url)
    filesystem.pipe({f"{root}/a.txt": b"a", f"{root}/b.docx": b"b", f"{root}/.hidden.txt": b"no", f"{root}/lake/x.txt": b"ours"})
    found = list_location(location(url)._replace(state=(f"{url}/lake",)))
    assert (list(found.files), found.passed) == (["a.txt"], {".hidden.txt": "hidden", "b.docx": "no_pattern", "lake/x.txt": "state"})
