"""Sources and the lake on an object store, by S3's real protocol: a server on this machine answers, nothing leaves it."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.config import conf, set_conf_env

from kernels.reading.formats import jsonl
from kernels.specs.sources import Document, Reject, SourceFile
from resources.storage.faults import UNREACHABLE, fault_in_words
from resources.storage.file_systems import open_file_system
from resources.storage.lake import Lake
from resources.storage.look import CellRecord, look
from resources.storage.manifest import Cell, Parent
from resources.storage.publishing import MadeFrom, draft, publish
from resources.storage.sources import Location, ObservedSources, list_files, observe, open_file
from resources.storage.versions import history

pytest.importorskip("s3fs", reason="no s3fs: the object store extra is not installed")
moto = pytest.importorskip("moto.server", reason="no moto[server]: the test extra is not installed")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a running server with an empty store."""
    running = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()
    running._server.server_close()


@pytest.fixture
def store(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The file system as a user configures it, by environment variables, with a bucket named ``corpus``."""
    from s3fs import S3FileSystem

    for name, value in (("ENDPOINT_URL", server), ("KEY", "test"), ("SECRET", "test")):
        monkeypatch.setenv(f"FSSPEC_S3_{name}", value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setitem(conf, "s3", {})
    set_conf_env(conf)
    S3FileSystem.clear_instance_cache()
    filesystem = fsspec.filesystem("s3")
    filesystem.mkdir("corpus")
    yield filesystem
    filesystem.rm("corpus", recursive=True)
    fsspec.asyn.sync(filesystem.loop, filesystem.s3.close)
    S3FileSystem.clear_instance_cache()


@pytest.fixture
def stranger(server: str, store: Any) -> Iterator[Any]:
    """Another process's client: what it writes, the file system under test does not hear of."""
    import boto3

    client = boto3.client("s3", endpoint_url=server, aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
    yield client
    client.close()


def location(prefix: str, *patterns: str) -> Location:
    return Location(f"s3://corpus/{prefix}", patterns, "base", 1)


def read(where: Location, path: str) -> list[Document | Reject]:
    config = jsonl.JsonLinesConfig(text_field="text", id_field="id", max_bytes=1000)
    return list(jsonl.SPEC.read(SourceFile(path, lambda: open_file(where, path)), config))


def test_files_of_a_bucket_are_listed_by_pattern_and_read_by_a_source_reader(store: Any) -> None:
    store.pipe_file("corpus/chat/a.jsonl", b'{"id": 1, "text": "one"}\n{"id": 2}\n')
    store.pipe_file("corpus/chat/deep/b.jsonl", b'{"id": 1, "text": "two"}\n')
    store.pipe_file("corpus/chat/readme.md", b"no data")
    store.pipe_file("corpus/other/c.jsonl", b"{}")
    where = location("chat", "*.jsonl")
    assert {path: size for path, (size, _) in list_files(where).items()} == {"a.jsonl": 35, "deep/b.jsonl": 25}
    first, second = read(where, "a.jsonl")
    assert first == Document("1", "one")
    assert isinstance(second, Reject) and (second.key, second.reason) == ("line 2", "schema")
    assert read(where, "deep/b.jsonl") == [Document("1", "two")]


def test_a_single_object_may_be_a_source(store: Any) -> None:
    store.pipe_file("corpus/one.jsonl", b'{"id": 1, "text": "one"}\n')
    where = location("one.jsonl", "*.xml")
    assert list(list_files(where)) == ["one.jsonl"]
    assert read(where, "one.jsonl") == [Document("1", "one")]


def test_a_missing_prefix_is_named(store: Any) -> None:
    with pytest.raises(FileNotFoundError, match="s3://corpus/nowhere: no such file or folder"):
        list_files(location("nowhere", "*"))


def overwrite(stranger: Any, *, forget: Any = None) -> tuple[ObservedSources, ObservedSources]:
    """Return what is observed before and after another client replaces one of two objects by one of the same size."""
    where = location("notes", "*.txt")
    for name, body in (("a", b"before"), ("b", b"stays")):
        stranger.put_object(Bucket="corpus", Key=f"notes/{name}.txt", Body=body)
    before = observe(ObservedSources(), {"notes": where}, {})
    stranger.put_object(Bucket="corpus", Key="notes/a.txt", Body=b"behind")
    if forget is not None:
        forget.invalidate_cache()
    return before, observe(before, {"notes": where}, {})


def assert_the_first_changed(before: ObservedSources, now: ObservedSources) -> None:
    (old_a, old_b), (new_a, new_b) = ([partition.files[0] for partition in observed.partitions] for observed in (before, now))
    assert old_a.size_bytes == new_a.size_bytes
    assert old_a.modified != new_a.modified
    assert old_a.digest != new_a.digest
    assert old_b == new_b


def test_a_changed_object_of_the_same_size_is_noticed_by_its_etag(stranger: Any, store: Any) -> None:
    assert_the_first_changed(*overwrite(stranger, forget=store))  # as a new process, which knows no listing, sees it


def test_a_changed_object_is_noticed_by_the_process_that_saw_it_before(stranger: Any) -> None:
    assert_the_first_changed(*overwrite(stranger))


def test_a_cell_is_published_to_a_bucket_and_read_back_elsewhere(store: Any, tmp_path: Path) -> None:
    cell = Cell("small", "corpus/documents", "notes.base.000")
    writer = Lake("s3://corpus/la[ke]", tmp_path / "writer")
    for content in ("first", "second"):
        with draft(writer, cell) as begun:
            (begun.folder / "text.txt").write_text(content)
            made_from = MadeFrom(code_version="1", config={}, parents=[Parent(name="sources/notes", content=content)])
            manifest = publish(writer, begun, made_from)
    reader = Lake("s3://corpus/la[ke]", tmp_path / "reader")
    assert reader.manifest(cell) == manifest
    assert look(reader, "small")[cell] == CellRecord(manifest, {}, "")
    assert reader.cells("small") == [cell]
    assert (reader.folder(cell) / "text.txt").read_text() == "second"
    assert reader.manifest(Cell("small", "corpus/documents", "notes.base.001")) is None
    versions = {path.split("/")[-2] for path in store.find("corpus/la[ke]") if path.endswith("text.txt")}
    assert versions == {kept.version for kept in history(reader, cell)} and len(versions) == 2


def test_a_store_that_hangs_up_is_told_of_after_one_question_and_not_after_a_minute_of_them(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from resources.storage import file_systems

    with socket.create_server(("127.0.0.1", 0)) as down:
        calls: list[int] = []

        def hang_up() -> None:
            with contextlib.suppress(OSError):  # of the socket being closed
                while True:
                    down.accept()[0].close()
                    calls.append(1)

        threading.Thread(target=hang_up, daemon=True).start()
        monkeypatch.setenv("FSSPEC_S3_ENDPOINT_URL", f"http://127.0.0.1:{down.getsockname()[1]}")
        set_conf_env(conf)
        file_systems._speak_to.cache_clear()
        with pytest.raises(Exception, match="endpoint URL") as caught:
            open_file_system("s3://corpus/lake")
        down.shutdown(socket.SHUT_RDWR)
    assert UNREACHABLE in (fault_in_words(caught.value) or "")
    assert len(calls) <= 2  # the question, and its repetition on another connection


def test_a_bucket_that_is_not_there_is_no_store_that_is_down(store: Any) -> None:
    assert open_file_system("s3://nothing/lake")[1] == "nothing/lake"
