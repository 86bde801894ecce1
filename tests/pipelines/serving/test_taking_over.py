"""A newer version takes over without a request lost; what its checks or the release's gate refuse does not."""

import json
import shutil
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from assets.graph.artifact import Graph
from assets.graph.checks import CheckFinding, CheckSuite, single_check
from assets.graph.waivers import Waiver
from kernels.inference.backends.choosing import Choice
from kernels.inference.native import building
from kernels.models.formats import checkpoints
from kernels.models.formats.checkpoints import LanguageModel
from pipelines.serving.models.offers import Offers, load
from pipelines.serving.models.served import Settings
from pipelines.serving.serving import Serving
from pipelines.serving.taking_over import Watch
from resources.storage.lake import Lake
from resources.storage.manifest import Cell, KeptVersion, Manifest, Verdict
from resources.storage.publishing import MadeFrom, draft, publish
from tests.pipelines.serving.house import LIMITS, PAGES, House, events_of, opened

BASE, RELEASE = Cell("small", "models/base"), Cell("small", "release")
SETTINGS = Settings(LIMITS, PAGES * 16, Choice(is_invariant=True))
ASKED = {"model": "base", "prompt": "a", "max_tokens": 300, "n": 8, "seed": 3}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake", tmp_path / "cache")


def put(lake: Lake, lm: LanguageModel, scale: float) -> Manifest:
    """Publish a version of the model whose weights are scaled."""
    import copy

    import torch

    model = copy.deepcopy(lm.model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(scale)
    with draft(lake, BASE) as begun:
        checkpoints.save(model, lm.tokenizer, begun.folder / "model")
        for path in (begun.folder / "model").iterdir():
            path.rename(begun.folder / path.name)
        shutil.rmtree(begun.folder / "model")
        return publish(lake, begun, MadeFrom(code_version="1", config={"scale": scale}, parents=[]))


def put_release(lake: Lake, kept: Manifest, *, promoted: bool, name: str) -> Manifest:
    with draft(lake, RELEASE) as begun:
        (begun.folder / "release.json").write_text(json.dumps(name))
        begun.keeps.append(KeptVersion(asset=kept.asset, partition=None, version=kept.version))
        begun.metadata |= {"promoted": promoted, "reason": f"{name} is worse than the tolerance admits"}
        return publish(lake, begun, MadeFrom(code_version="1", config={"name": name}, parents=[]))


def suite() -> CheckSuite:
    return single_check("learned", "It learned.", "models/base", blocking=True, version="1", judge=lambda judging, cell: CheckFinding(True, "", {}))


def graph(suites: dict[str, list[CheckSuite]], waivers: list[Waiver] | None = None) -> Graph:
    return Graph(recipe="small", artifacts={}, suites=suites, sources={}, inputs={}, waivers=tuple(waivers or ()))


def judge(lake: Lake, manifest: Manifest, *, passed: bool) -> None:
    verdict = Verdict(content=manifest.content, version="1", passed=passed, blocking=True, description="loss is no number")
    lake.record_verdicts(BASE, {"learned": verdict}, ["learned"])


def watching(lake: Lake, found: Graph, name: str) -> Callable[[Serving], Coroutine[Any, Any, None]]:
    """Return what serves a model of the lake and looks for newer versions all the time."""

    async def watch(serving: Serving) -> None:
        offers = Offers(lake, found)
        serving.shelf.put(load(lake, name, offers.of(name).manifest, SETTINGS, serving.metrics))
        await Watch(serving, offers, [name], SETTINGS, 0.05).forever()

    return watch


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(0.02)


def told(house: House, name: str = "base") -> dict[str, Any]:
    return next((model for model in house.get("/health").json()["models"] if model["name"] == name), {"version": None, "refused": None})


def test_what_is_under_way_ends_on_the_old_version_while_new_requests_go_to_the_new_one(lake: Lake, lm: LanguageModel) -> None:
    first = put(lake, lm, 1.0)
    with opened([], watch=watching(lake, graph({}), "base")) as house:
        wait_for(lambda: told(house)["version"] == first.content)
        old = house.serving.shelf.get("base")
        with house.client() as client, client.stream("POST", "/v1/completions", json={**ASKED, "stream": True}) as response:
            lines = response.iter_lines()
            next(lines)
            second = put(lake, lm, 0.5)
            wait_for(lambda: told(house)["version"] == second.content)
            assert lake.place(BASE, first.version) in lake.versions_being_read()
            other = house.post("/v1/completions", {**ASKED, "max_tokens": 2})
            assert other.status_code == 200 and other.headers["x-model-version"] == second.content
            assert response.headers["x-model-version"] == first.content
            assert list(events_of(lines))[-1] == (None, "[DONE]")
        wait_for(lambda: lake.versions_being_read() == {lake.place(BASE, second.version)})
        assert not old.worker._thread.is_alive() and house.check_pages("base") == 0
    assert lake.versions_being_read() == set()


def test_no_request_is_lost_while_versions_take_over_from_each_other(lake: Lake, lm: LanguageModel) -> None:
    last = put(lake, lm, 1.0)
    with opened([], watch=watching(lake, graph({}), "base")) as house:
        wait_for(lambda: told(house)["version"] == last.content)
        statuses: list[int] = []
        versions: set[str] = set()
        is_over = threading.Event()

        def ask() -> None:
            while not is_over.is_set():
                response = house.post("/v1/completions", {**ASKED, "max_tokens": 5, "n": 1})
                statuses.append(response.status_code)
                versions.add(response.headers.get("x-model-version", "none"))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for scale in (0.5, 0.75, 1.25):
            last = put(lake, lm, scale)
            wait_for(lambda last=last: told(house)["version"] == last.content)
        is_over.set()
        for thread in threads:
            thread.join()
        assert set(statuses) == {200} and len(versions) >= 3


def test_a_version_waits_for_its_checks_and_is_refused_where_one_fails_unless_that_is_accepted(lake: Lake, lm: LanguageModel) -> None:
    first = put(lake, lm, 1.0)
    judge(lake, first, passed=True)
    found = graph({"models/base": [suite()]})
    with opened([], watch=watching(lake, found, "base")) as house:
        wait_for(lambda: told(house)["version"] == first.content)
        second = put(lake, lm, 0.5)
        offers = Offers(lake, found)
        assert "learned" in str(offers.of("base").waits_for) and offers.of("base").fault is None
        judge(lake, second, passed=False)
        wait_for(lambda: told(house)["refused"] is not None)
        assert "failed its check learned: loss is no number" in told(house)["refused"] and told(house)["version"] == first.content
        waiver = Waiver(action="accept", check="learned", asset="models/base", content=second.content[:16], reason="known")
        assert Offers(lake, graph({"models/base": [suite()]}, [waiver])).of("base").fault is None
        third = put(lake, lm, 0.75)
        judge(lake, third, passed=True)
        wait_for(lambda: told(house)["version"] == third.content)
        assert told(house)["refused"] is None


def test_a_candidate_that_the_gate_refused_is_told_and_not_served(lake: Lake, lm: LanguageModel) -> None:
    first = put(lake, lm, 1.0)
    put_release(lake, first, promoted=True, name="first")
    with opened([], watch=watching(lake, graph({}), "release")) as house:
        wait_for(lambda: told(house, "release")["version"] == first.content)
        second = put(lake, lm, 0.5)
        put_release(lake, first, promoted=False, name="second")
        wait_for(lambda: told(house, "release")["refused"] is not None)
        assert "second is worse" in told(house, "release")["refused"] and told(house, "release")["version"] == first.content
        put_release(lake, second, promoted=True, name="third")
        wait_for(lambda: told(house, "release")["version"] == second.content)


def test_a_version_that_cannot_be_loaded_is_told_and_what_is_served_stays(lake: Lake, lm: LanguageModel) -> None:
    first = put(lake, lm, 1.0)
    with opened([], watch=watching(lake, graph({}), "base")) as house:
        wait_for(lambda: told(house)["version"] == first.content)
        with draft(lake, BASE) as begun:
            (begun.folder / "config.json").write_text("{}")
            publish(lake, begun, MadeFrom(code_version="2", config={}, parents=[]))
        wait_for(lambda: told(house)["refused"] is not None)
        assert "model.safetensors" in told(house)["refused"] or "tokenizer" in told(house)["refused"]
        assert house.post("/v1/completions", {**ASKED, "max_tokens": 2}).headers["x-model-version"] == first.content
        assert lake.versions_being_read() == {lake.place(BASE, first.version)}


def test_what_was_not_made_or_is_quarantined_is_not_offered(lake: Lake, lm: LanguageModel) -> None:
    with pytest.raises(FileNotFoundError, match="models/base has not been made yet"):
        Offers(lake, graph({})).of("base")
    made = put(lake, lm, 1.0)
    waiver = Waiver(action="quarantine", asset="models/base", content=made.content[:16], reason="odd")
    assert Offers(lake, graph({}, [waiver])).of("base").fault == "models/base is quarantined: odd"


def test_a_decoder_whose_weights_are_rounded_is_never_loaded_whole(lake: Lake, lm: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = put(lake, lm, 1.0)

    def refuse(*_: object) -> None:
        raise AssertionError("the checkpoint is loaded whole")

    monkeypatch.setattr(checkpoints, "load", refuse)
    monkeypatch.setattr(building, "lacking", lambda: "a processor for it")  # heads of 8 are none of the kernels'

    async def serve(serving: Serving) -> None:
        serving.shelf.put(load(lake, "base", manifest, SETTINGS._replace(choice=Choice(weights="int8")), serving.metrics))

    with opened([], watch=serve) as house:
        wait_for(lambda: told(house)["version"] is not None)
        answer = house.post("/v1/completions", {**ASKED, "max_tokens": 8})
        assert answer.status_code == 200 and answer.json()["usage"]["completion_tokens"] > 0, answer.text
