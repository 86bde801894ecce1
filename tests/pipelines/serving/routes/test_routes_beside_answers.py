"""Tokens, models, health, counts, and the page."""

import re

from starlette.routing import Route

from kernels.inference.drafting import drafting
from kernels.models.formats.checkpoints import LanguageModel
from pipelines.serving.application import routes
from tests.pipelines.serving.house import House, Shelved, opened


def test_each_module_of_the_folder_declares_a_route_of_its_own() -> None:
    found = routes()
    assert all(isinstance(route, Route) for route in found) and len({route.path for route in found}) == len(found) == 13


def test_texts_and_their_tokens_come_back(house: House) -> None:
    told = house.post("/tokenize", {"model": "tiny", "prompt": "Hi <|im_end|>"}).json()
    assert told["count"] == len(told["tokens"]) and told["max_model_len"] == 768
    assert house.post("/detokenize", {"model": "tiny", "tokens": told["tokens"]}).json() == {"prompt": "<|endoftext|>Hi <|im_end|>"}
    assert house.post("/detokenize", {"model": "tiny", "tokens": [264]}).status_code == 400
    assert house.post("/tokenize", {"model": "tiny"}).json()["error"]["message"] == "give either prompt or messages"


def test_models_are_told_with_their_versions(house: House) -> None:
    told = house.get("/v1/models").json()["data"]
    assert [(each["id"], each["version"], each["is_encoder"]) for each in told] == [("tiny", "c0ffee", False), ("encoder", "decade", True)]
    assert house.get("/v1/models/tiny").json() == told[0] and house.get("/v1/models/none").status_code == 404
    assert [each["version"] for each in house.get("/health").json()["models"]] == ["c0ffee", "decade"]


def test_counts_are_told_to_prometheus(house: House) -> None:
    def counts() -> dict[str, float]:
        lines = house.get("/metrics").text.splitlines()
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if not line.startswith("#"))}

    before = counts()
    asked = {"model": "tiny", "prompt": [5, 6, 7], "max_tokens": 9, "seed": 5, "n": 2}
    made = house.post("/v1/completions", asked).json()["usage"]["completion_tokens"]
    assert made > 2 and house.get("/some/thing").status_code == 404
    now = counts()

    def added(name: str) -> float:
        return now[name] - before.get(name, 0)

    assert added('mill_requests_total{route="/v1/completions",status="200"}') == 1
    assert added('mill_requests_total{route="other",status="404"}') == 1
    assert (added('mill_prompt_tokens_total{model="tiny"}'), added('mill_generated_tokens_total{model="tiny"}')) == (3, made)
    assert added('mill_time_to_first_token_seconds_count{model="tiny"}') == 2
    assert added('mill_time_per_token_seconds_count{model="tiny"}') == made - 2
    assert (now['mill_requests_waiting{model="tiny"}'], now['mill_pages{model="tiny"}'], now['mill_pages_used{model="tiny"}']) == (0, 96, 0)


def test_with_guesses_answers_are_the_same_and_how_many_were_right_is_told(house: House, lm: LanguageModel) -> None:
    asked = {"model": "tiny", "prompt": [5, 6, 7, 5, 6, 7, 5, 6], "max_tokens": 40, "temperature": 0}
    plain = house.post("/v1/completions", asked).json()["choices"]
    with opened([Shelved("tiny", lm)], guessing=lambda lm, kept: drafting(lm, lm, most_kept_tokens=kept, count=3)) as guessing:
        assert guessing.post("/v1/completions", asked).json()["choices"] == plain
        (told,) = guessing.get("/health").json()["models"]
        counts = guessing.get("/metrics").text
    assert 0 < told["num_guessed_right"] <= told["num_guessed"]
    for name in ("", "_right"):
        assert f'mill_guessed_tokens{name}_total{{model="tiny"}} {float(told["num_guessed" + name])}' in counts
    assert house.get("/health").json()["models"][0]["num_guessed"] == 0


def test_the_page_loads_nothing_of_others_and_may_not(house: House) -> None:
    page = house.get("/")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and page.headers["x-content-type-options"] == "nosniff"
    assert "<style" not in page.text and not re.search(r" (style|on\w+)=", page.text)
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    for path in loaded:
        assert house.get(path).status_code == 200 and path.startswith("/pages/")
    assert len(set(loaded)) == 3


def test_the_page_puts_nothing_in_as_markup(house: House) -> None:
    script = house.get("/pages/chat.js").text
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", script) and "textContent" in script


def test_no_other_file_is_served(house: House) -> None:
    for path in ("/pages/..%2Fserver.py", "/pages/../server.py", "/pages/none.js", "/pages/%2e%2e/serving.py"):
        assert house.get(path).status_code == 404
