"""A recipe scores one checkpoint as it is here, and as an API has it: side by side, and with the key nowhere in what is written."""

from collections.abc import Iterator
from multiprocessing import forkserver
from typing import Any

import pytest
from typer.testing import CliRunner

import pipelines.commands.chat
import pipelines.commands.serve
from kernels.models.formats.checkpoints import load
from kernels.models.formats.writing import write_model
from pipelines.serving.wire.keys import Keys
from pipelines.terminal.application import app
from tests.pipelines.serving.house import House, Shelved, opened, put, tiny

assert pipelines.commands.chat and pipelines.commands.serve, "both are commands of the application by now"
KEY = "sk-never-written-4711"
QUESTION = '{"question": "how to cross", "options": "A. by a bridge\\nB. by stone", "answer": "A. by a bridge"}\n'


def recipe(url: str, more: str = "") -> str:
    far = f"base_url: '{url}/v1', model: tiny, api_key_env: FAR_KEY, price_per_million_prompt_tokens: 1, price_per_million_answer_tokens: 2"
    return f"""\
name: small
models:
  here: {{method: adopt_transformers, data: model, dtype: float32}}
  far: {{method: adopt_api, data: model, {far}{more}}}
  writer: {{method: adopt_api, {far}{more}}}
evals:
  piqa: {{task: piqa, data: piqa.jsonl, num_items: 4, seed: 1}}
  says: {{task: samples, prompts: [A river], questions: ['who?'], max_new_tokens: 8, temperature: 0, seed: 1}}
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    lm = tiny(tmp_path_factory.mktemp("tiny"))
    with opened([Shelved("tiny", lm)], keys=Keys([KEY])) as found:
        yield found


@pytest.fixture(scope="module")
def scored(house: House, make_shop: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A recipe that has been brought up."""
    shop = make_shop(tmp_path_factory.mktemp("far") / "shop")
    lm = house.serving.shelf.get("tiny").lm
    (shop.folder / "model").mkdir()
    write_model(lm.model, shop.folder / "model")
    lm.tokenizer.save_pretrained(shop.folder / "model")
    (shop.folder / "piqa.jsonl").write_text(QUESTION + QUESTION.replace("cross", "sit") + QUESTION.replace('"A. by a bridge"}', '"B. by stone"}'))
    shop.recipe_file.write_text(recipe(house.url))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAR_KEY", KEY)
        forkserver._forkserver._stop()  # pyright: ignore  # jobs have the environment that there was when it started
        result = shop.up()
        assert not result.failed, result
        yield shop


def test_scores_through_an_api_are_those_of_the_checkpoint(scored: Any) -> None:
    items = {name: scored.lake.table(scored.cell(f"evals/{name}", "piqa"), "items").to_pylist() for name in ("here", "far")}
    for here, far in zip(items["here"], items["far"], strict=True):
        assert far["answer"] == here["answer"] and far["log_likelihoods"] == pytest.approx(here["log_likelihoods"], rel=0.01)  # bfloat16 here
    answers = {
        name: [row["answer"] for row in scored.lake.table(scored.cell(f"evals/{name}", "says"), "items").to_pylist()]
        for name in ("here", "far", "writer")
    }
    assert answers["here"] == answers["far"] == answers["writer"] and all(answers["here"])
    assert scored.lake.readable(scored.cell("evals/writer", "piqa")) is None
    leaders = scored.lake.require(scored.cell("evals/leaderboard")).metadata
    assert all(name in str(leaders) for name in ("here", "far"))


def test_evals_tell_what_they_cost(scored: Any) -> None:
    told = scored.lake.require(scored.cell("evals/far", "piqa")).metadata
    assert told["num_prompt_tokens"] > 50 and told["price"] == pytest.approx((told["num_prompt_tokens"] + 2 * told["num_answer_tokens"]) / 1e6)
    assert "price" not in scored.lake.require(scored.cell("evals/here", "piqa")).metadata


def test_another_way_to_ask_makes_no_eval_again(scored: Any, house: House) -> None:
    before, keys = scored.contents(), [str(scored.cell("evals/far", "piqa")), str(scored.cell("models/far"))]
    made = scored.made_at()
    scored.recipe_file.write_text(recipe(house.url, ", timeout_seconds: 50"))
    assert not scored.up().failed
    assert scored.contents() == before and scored.made_at()[keys[0]] == made[keys[0]] and scored.made_at()[keys[1]] > made[keys[1]]
    assert '"timeout_seconds": 50.0' in (scored.lake.folder(scored.cell("models/far")) / "access.json").read_text()
    assert not scored.waiting()


def test_the_key_is_in_no_file(scored: Any) -> None:
    found = [path for path in scored.folder.rglob("*") if path.is_file()]
    assert len(found) > 50 and [path for path in found if KEY.encode() in path.read_bytes()] == []


def test_one_talks_with_it_in_the_terminal(scored: Any) -> None:
    def chat(*words: str) -> Any:
        return CliRunner().invoke(
            app, ["chat", *words, "--temperature", "0", "--max-new-tokens", "8", "--recipe", str(scored.recipe_file)], input="who?\n\n"
        )

    here, far = chat("here"), chat("writer")
    assert here.exit_code == far.exit_code == 0, far.output
    assert far.output.replace("writer", "here") == here.output
    refused = chat("far", "--weights", "int8")
    assert refused.exit_code != 0 and "those of a model of an API are elsewhere" in str(refused.exception)


def test_it_is_not_served_on(scored: Any) -> None:
    refused = CliRunner().invoke(app, ["serve", "far", "--recipe", str(scored.recipe_file)])
    assert refused.exit_code != 0 and "'far' is a model of an API (adopt_api), whose weights are elsewhere" in str(refused.exception)


def test_what_has_become_another_model_is_not_scored_until_it_is_adopted_anew(scored: Any) -> None:
    lm = load(scored.folder / "model", "cpu")
    with opened([Shelved("tiny", lm, "newer")], keys=Keys([KEY])) as other:
        scored.recipe_file.write_text(recipe(other.url))
        assert not scored.up().failed
        content = scored.lake.require(scored.cell("models/far")).content
        other.call(lambda: other.serving.shelf.put(put(other.serving, Shelved("tiny", lm, "newest"))))
        more = "  again: {task: piqa, data: piqa.jsonl, num_items: 2, seed: 1}\n"
        scored.recipe_file.write_text(recipe(other.url) + more)
        failed = " ".join(scored.up().failed.values())
        assert "have the model's key version say 'newest'" in failed and scored.lake.readable(scored.cell("evals/far", "again")) is None
        scored.recipe_file.write_text(recipe(other.url, ", version: newest") + more)
        assert not scored.up().failed
        assert scored.lake.require(scored.cell("models/far")).content != content and scored.lake.readable(scored.cell("evals/far", "again"))
