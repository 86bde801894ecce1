"""``mill serve``: a process that serves a model of a lake, and ends as it should."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from resources.storage.home import Home
from resources.storage.manifest import Cell
from resources.storage.publishing import MadeFrom, draft, publish
from tests.locations import PROJECT
from tests.pipelines.serving.house import SHAPE
from tests.small_models import put_llama

RECIPE = "name: talk\nmodels:\n  base: {method: adopt_gguf, data: none.gguf, dtype: float32}\n"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe whose model stands in the lake."""
    folder = tmp_path_factory.mktemp("talk")
    (folder / "recipe.yaml").write_text(RECIPE)
    lake = Home.resolve(folder / ".mill", {}).lake()
    with draft(lake, Cell("talk", "models/base")) as begun:
        for path in put_llama(folder / "made", SHAPE, "a").iterdir():
            path.rename(begun.folder / path.name)
        publish(lake, begun, MadeFrom(code_version="1", config={}, parents=[]))
    return folder


def start(shop: Path, *words: str, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pipelines.commands", "serve", *words, "--recipe", str(shop / "recipe.yaml"), "--port", "0"]
    variables = {name: value for name, value in os.environ.items() if name != "MILL_API_KEY"}
    settings = {**variables, "PYTHONPATH": str(PROJECT), "COLUMNS": "200", **environment}
    return subprocess.Popen(command, cwd=PROJECT, env=settings, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_it_serves_what_stands_says_how_it_is_asked_and_ends_at_sigterm(shop: Path) -> None:
    with start(shop, "base", MILL_API_KEY="a-key-of-many-characters") as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        url = re.findall(r"http://127\.0\.0\.1:\d+", first)[0]
        lines = [process.stdout.readline() for _ in range(2)]
        assert lines[1].startswith(f"curl -N {url}/v1/chat/completions") and "$MILL_API_KEY" in lines[1]
        deadline = time.monotonic() + 30
        while True:
            try:
                assert httpx.get(f"{url}/health").json()["status"] == "ok"
                break
            except httpx.ConnectError:
                assert time.monotonic() < deadline
        headers = {"x-api-key": "a-key-of-many-characters"}
        body = {"model": "base", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 3}
        assert httpx.post(f"{url}/v1/chat/completions", json=body).status_code == 401
        assert httpx.post(f"{url}/v1/chat/completions", json=body, headers=headers).status_code == 200
        process.send_signal(signal.SIGTERM)
        output = process.stdout.read()
        assert process.wait(30) == 0 and "Traceback" not in output, output
    assert not list((shop / ".mill" / "lake" / ".readers").glob("*.lock"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["base", "--host", "0.0.0.0"], "0.0.0.0 can be reached by others; give the server a key"),
        (["bass"], "no model is named 'bass'"),
        (["base", "--weights", "int4", "--key-file", "/none"], "/none"),
        ([], "no model is named 'release'"),
        (["base", "--adapter", "kind"], "--adapter kind: give the name that clients ask for, and the folder: NAME=FOLDER"),
        (["base", "--adapter", "base=there"], "--adapter base=there: base is served already"),
        (["base", "--adapter", "kind=there"], "there/adapter_config.json: an adapter has this file"),
    ],
)
def test_what_cannot_be_served_is_told_in_a_line(shop: Path, words: list[str], told: str) -> None:
    with start(shop, *words) as process:
        output = process.communicate(timeout=60)[0]
    assert process.returncode == 2 and told in output and "Traceback" not in output
