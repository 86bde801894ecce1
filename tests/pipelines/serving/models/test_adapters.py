"""Adapters are served by name beside their base, and answer as the model that peft merges of both."""

import copy
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from kernels.models.formats.checkpoints import LanguageModel
from tests.kernels.inference.adapters.peft_adapters import ALL, ATTENTION
from tests.kernels.inference.adapters.peft_adapters import put as put_adapter
from tests.pipelines.serving.house import House, Shelved, events_of, opened, put

NAMES = ("tiny", "kind", "terse", "other/fine")
SETTINGS: dict[str, dict[str, Any]] = {
    "kind": {"r": 4, "lora_alpha": 8, "target_modules": ATTENTION},
    "terse": {"r": 2, "lora_alpha": 8, "target_modules": ALL},
    "other/fine": {"r": 3, "lora_alpha": 3, "target_modules": ["down_proj"], "use_rslora": True},
}
ASKED = {"prompt": "a text that is long enough to fill pages", "max_tokens": 12, "temperature": 0}
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")


class Home(NamedTuple):
    house: House
    folders: dict[str, Path]
    merged: list[Shelved]


@pytest.fixture(scope="module")
def home(lm: LanguageModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folders = {name: tmp_path_factory.mktemp("adapter") for name in SETTINGS}
    merged = [Shelved(name, lm._replace(model=put_adapter(lm.model, folders[name], 1, **settings))) for name, settings in SETTINGS.items()]
    with opened([Shelved("tiny", lm, adapters=folders)]) as house:
        yield Home(house, folders, merged)
        assert house.check_pages() == 0


def test_each_name_is_answered_as_by_the_merged_model_though_all_are_asked_at_once(home: Home, lm: LanguageModel) -> None:
    def said(house: House, name: str) -> str:
        found = house.post("/v1/completions", {"model": name, **ASKED}).json()
        assert found["model"] == name
        return found["choices"][0]["text"]

    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda name: said(home.house, name), NAMES * 3))
    with opened([Shelved("tiny", lm), *home.merged]) as apart:
        alone = [said(apart, name) for name in NAMES]
    assert together == alone * 3 and len(set(alone)) == len(NAMES)


def test_adapters_are_told_with_their_base_and_folder(home: Home) -> None:
    told = home.house.get("/v1/models").json()["data"]
    assert [(each["id"], each["parent"]) for each in told] == [("tiny", None), ("kind", "tiny"), ("terse", "tiny"), ("other/fine", "tiny")]
    assert [each["root"] for each in told] == ["tiny", *map(str, home.folders.values())]
    assert len({each["version"] for each in told}) == 4 and home.house.get("/v1/models/other/fine").json() == told[3]
    answer = home.house.post("/v1/completions", {"model": "terse", **ASKED})
    assert answer.headers["x-model-version"] == told[2]["version"]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/tokenize"])
def test_other_forms_take_the_names_too(path: str, home: Home) -> None:
    body = {"model": "kind", "messages": [{"role": "user", "content": "Hi"}]} | ({} if path == "/tokenize" else {"max_tokens": 2})
    assert home.house.post(path, body).status_code == 200


def test_a_name_that_is_none_is_refused_with_those_that_there_are(home: Home) -> None:
    refused = home.house.post("/v1/completions", {"model": "kinder", **ASKED})
    assert refused.status_code == 404
    assert refused.json()["error"]["message"] == "no model is named 'kinder'; there are kind, other/fine, terse, tiny"


def test_a_base_stays_while_an_adapter_on_it_is_asked(home: Home) -> None:
    adapter, base = (home.house.serving.shelf.get(name) for name in ("kind", "tiny"))
    adapter.take()
    assert base._num_users == 1
    adapter.let_go()
    assert base._num_users == 0 and base._is_unused.is_set()


def test_an_adapter_that_cannot_be_added_is_told(home: Home, encoder: LanguageModel, lm: LanguageModel, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="adapter kind: encoder is an encoder"):
        put(home.house.serving, Shelved("encoder", encoder, adapters=home.folders))
    with pytest.raises(FileNotFoundError, match=r"adapter_config\.json: an adapter has this file"):
        put(home.house.serving, Shelved("tiny", lm, adapters={"kind": tmp_path}))


def test_where_a_newer_base_takes_over_an_answer_under_way_ends_on_the_old_one_and_the_adapter_is_on_the_new_one(
    home: Home, lm: LanguageModel
) -> None:
    asked = {"model": "kind", "prompt": "a", "max_tokens": 300, "n": 8, "seed": 3, "stream": True}
    newer = Shelved("tiny", lm._replace(model=copy.deepcopy(lm.model)), "newer", home.folders)  # both are asked at once, by threads of their own
    with opened([Shelved("tiny", lm, adapters=home.folders)]) as house, house.client() as client:
        old = house.serving.shelf.get("kind")
        with client.stream("POST", "/v1/completions", json=asked) as response:
            lines = response.iter_lines()
            next(lines)
            house.call(lambda: house.serving.shelf.put(put(house.serving, newer)))
            new = house.serving.shelf.get("kind")
            answer = house.post("/v1/completions", {"model": "kind", **ASKED})
            assert answer.headers["x-model-version"] == new.version.content != old.version.content
            assert old.base is not None and old.base._num_users == 1
            assert list(events_of(lines))[-1] == (None, "[DONE]")
        old.worker.join()
