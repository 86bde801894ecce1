"""Adopting from the hub, against a small server that speaks as much of its protocol as a download takes."""

import hashlib
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from pydantic import ValidationError

from kernels.methods.adoption import hub as adoption
from kernels.models.formats import checkpoints
from tests.kernels.methods.adoption.test_transformers_folder import random_model, write_folder
from tests.method_jobs import method_job

REPOSITORY, REVISION = "someone/tiny-llama", "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """One repository at one commit."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.folder = folder
        self.asked: list[str] = []
        self.broken: set[str] = set()

    def tree(self) -> list[dict[str, Any]]:
        paths = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return [self.entry(path) for path in paths]

    def entry(self, path: Path) -> dict[str, Any]:
        content = path.read_bytes()
        entry = {"type": "file", "path": path.relative_to(self.folder).as_posix(), "size": len(content), "oid": blob(content)}
        if path.suffix == ".safetensors":
            digest = hashlib.sha256(content).hexdigest()
            pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(content)}\n".encode()
            entry |= {"oid": blob(pointer), "lfs": {"oid": digest, "size": len(content), "pointerSize": len(pointer)}}
        return entry


class Answer(BaseHTTPRequestHandler):
    """Lists the repository and gives its files."""

    server: Hub

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, body: bool) -> None:
        path = self.path.split("?")[0]
        resolve = f"/{REPOSITORY}/resolve/{REVISION}/"
        if path == f"/api/models/{REPOSITORY}/tree/{REVISION}":
            self.give(json.dumps(self.server.tree()).encode(), "tree", body)
        elif path.startswith(resolve) and path.removeprefix(resolve) not in self.server.broken:
            file = self.server.folder / path.removeprefix(resolve)
            entry = self.server.entry(file)
            if body:
                self.server.asked.append(entry["path"])
            self.give(file.read_bytes(), entry.get("lfs", entry)["oid"], body)
        else:
            self.send_response(403 if path.startswith(resolve) else 404)
            if not path.startswith(resolve):
                self.send_header("X-Error-Code", "RevisionNotFound" if REPOSITORY in path else "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def give(self, content: bytes, mark: str, body: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json" if mark == "tree" else "application/octet-stream")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{mark}"')
        self.send_header("X-Repo-Commit", REVISION)
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    (tmp_path / "repository").mkdir()
    server = Hub(tmp_path / "repository")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(
        "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", f"http://127.0.0.1:{server.server_port}" + "/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def adopt(folder: Path, **changes: str) -> dict[str, float]:
    for name in ("out", "scratch"):
        (folder / name).mkdir(exist_ok=True)
    config = adoption.HubConfig(**{"repository": REPOSITORY, "revision": REVISION, "dtype": "float32", **changes})
    return adoption.run(method_job(config, {}, folder / "out", folder / "scratch"))


def test_a_repository_becomes_a_checkpoint_and_nothing_else_of_it_is_fetched(hub: Hub, tmp_path: Path) -> None:
    import torch

    model = random_model("llama")
    write_folder(hub.folder, model, max_shard_size="40KB")
    for name in ("pytorch_model.bin", "modeling_own.py", "consolidated.safetensors", "onnx/config.json", "README.md"):
        (hub.folder / name).parent.mkdir(exist_ok=True)
        (hub.folder / name).write_text("never read")
    adopt(tmp_path)
    ids = torch.arange(30)[None]
    with torch.inference_mode():
        assert torch.equal(checkpoints.load(tmp_path / "out", "cpu").model(ids).logits, model(ids).logits)
    shards = [f"model-0000{number}-of-00004.safetensors" for number in range(1, 5)]
    others = ["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"]
    assert sorted(hub.asked) == sorted([*shards, *others, "model.safetensors.index.json"])
    assert list((tmp_path / "scratch").iterdir()) == []


def test_an_interrupted_fetch_goes_on(hub: Hub, tmp_path: Path) -> None:
    write_folder(hub.folder, random_model("llama"))
    hub.broken.add("tokenizer.json")
    with pytest.raises(ConnectionError, match=r"someone/tiny-llama@01234567: the hub does not give it .*adopt it with adopt_transformers"):
        adopt(tmp_path)
    first = set(hub.asked)
    hub.asked.clear()
    hub.broken.clear()
    adopt(tmp_path)
    assert "tokenizer.json" in hub.asked and not first & set(hub.asked)


def test_a_file_that_is_not_what_the_hub_lists_is_named(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_folder(hub.folder, random_model("llama"))
    listed = hub.tree()
    weights = next(entry for entry in listed if entry["path"] == "model.safetensors")
    weights["lfs"]["oid"] = "0" * 64
    monkeypatch.setattr(hub, "tree", lambda: listed)
    with pytest.raises(ValueError, match=r"model\.safetensors is not what the hub lists; remove .*snapshot and make the model again"):
        adopt(tmp_path)


def test_a_repository_with_pickled_weights_alone_is_refused(hub: Hub, tmp_path: Path) -> None:
    write_folder(hub.folder, random_model("llama"))
    (hub.folder / "model.safetensors").rename(hub.folder / "pytorch_model.bin")
    with pytest.raises(ValueError, match=r"someone/tiny-llama@01234567: its weights are pickled \(pytorch_model\.bin\)"):
        adopt(tmp_path)
    assert "pytorch_model.bin" not in hub.asked


@pytest.mark.parametrize("changes", [{"repository": "someone/else"}, {"revision": "f" * 40}])
def test_a_repository_or_revision_that_is_not_there_is_named(hub: Hub, tmp_path: Path, changes: dict[str, str]) -> None:
    with pytest.raises(ConnectionError, match=r"someone/\S+@\S+: the hub does not give it \(404"):
        adopt(tmp_path, **changes)


def test_a_hub_that_cannot_be_reached_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # between the library's own tries
    with pytest.raises(ConnectionError, match=r"someone/tiny-llama@01234567: the hub does not give it \(.*refused.*; look at repository, .*network"):
        adopt(tmp_path)


@pytest.mark.parametrize("changes", [{"revision": "main"}, {"revision": "0123456"}, {"repository": "../../etc"}, {"repository": "a/b/c"}])
def test_a_revision_that_may_move_and_a_name_that_is_none_are_errors_of_the_config(tmp_path: Path, changes: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        adopt(tmp_path, **changes)
