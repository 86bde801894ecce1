"""Names are taken as they are written, on a disk and on an object store."""

from pathlib import Path

import fsspec
import pytest

from resources.storage.file_systems import fetch_all, open_file_system, read_all, remove_all
from resources.storage.lake import Lake
from resources.storage.look import look
from resources.storage.manifest import Cell
from resources.storage.publishing import MadeFrom, draft, publish
from resources.storage.versions import history, remove_version

NAMES = ["a[b]", "x*", "who?", "50%", "it's", "ä", "one two", "x=1"]


@pytest.mark.parametrize("name", [*NAMES, "one::two", "~home"])
def test_a_path_leads_where_it_says(tmp_path: Path, name: str) -> None:
    assert open_file_system(str(tmp_path / name))[1] == str(tmp_path / name)


def test_a_protocol_whose_library_is_missing_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(place: str) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec, "url_to_fs", absent)
    with pytest.raises(ModuleNotFoundError, match=r"s3://bucket/x: Install s3fs to access S3; install modelmill\[s3\]"):
        open_file_system("s3://bucket/x")


@pytest.mark.parametrize("name", NAMES)
def test_an_object_store_takes_names_as_they_are(tmp_path: Path, name: str) -> None:
    filesystem, root = open_file_system(f"memory://{name}")
    for path in ("one", "deep/two"):
        filesystem.pipe_file(f"{root}/{path}", path.encode())
    assert read_all(filesystem, [f"{root}/one", f"{root}/deep/two"]) == {f"{root}/one": b"one", f"{root}/deep/two": b"deep/two"}
    fetch_all(filesystem, root, str(tmp_path / "copy"))
    assert (tmp_path / "copy" / "deep" / "two").read_text() == "deep/two"
    remove_all(filesystem, [root])
    assert filesystem.find(root) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_lake_on_an_object_store_is_seen_whatever_its_name(tmp_path: Path, name: str) -> None:
    cell = Cell("r", "corpus/documents", "web.base.000")
    lake = Lake(f"memory://lake-{name}", tmp_path / "cache")
    for content in ("first", "second"):
        with draft(lake, cell) as begun:
            (begun.folder / "text.txt").write_text(content)
            manifest = publish(lake, begun, MadeFrom(code_version="1", config={"content": content}, parents=[]))
    assert look(lake, "r")[cell].manifest == manifest
    assert (lake.folder(cell) / "text.txt").read_text() == "second"
    (old,) = [found.version for found in history(lake, cell) if found.version != manifest.version]
    remove_version(lake, cell, old)
    assert [found.version for found in history(lake, cell)] == [manifest.version]
    remove_all(lake.filesystem, [lake.root])
