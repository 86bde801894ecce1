"""A model of an API says what the same checkpoint says here; and where an API does not tell what an eval needs, there is no score.

The server computes in float32, and evals of checkpoints multiply matrices in bfloat16: so both are held against float32, within 1e-3 nats a request.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from kernels.evals.tasks.commonsense import piqa
from kernels.evals.tasks.documents import perplexity, samples
from kernels.evals.tasks.reading import boolq
from kernels.inference.api import client as asking
from kernels.inference.api.client import Client
from kernels.inference.api.endpoint import Access, Endpoint
from kernels.inference.api.model import ApiModel, chat, told_of
from kernels.inference.decoding import chat as chat_here
from kernels.inference.likelihoods.likelihood import log_likelihoods
from kernels.inference.likelihoods.requests import Request, num_tokens_cut
from kernels.models.formats.checkpoints import LanguageModel
from kernels.specs.tasks import unwatched
from kernels.specs.turns import Turn
from tests.kernels.inference.api.stand_in import Reply, standing_in
from tests.pipelines.serving.house import POSITIONS, House, Shelved, opened, tiny

MOST_NATS = 1e-3


@pytest.fixture(scope="module")
def lm(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    return tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def house(lm: LanguageModel) -> Iterator[House]:
    with opened([Shelved("far", lm)]) as found:
        yield found


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have what is asked here computed in float32."""
    monkeypatch.setattr("torch.autocast", lambda *_, **__: nullcontext())


@pytest.fixture
def far() -> Iterator[Callable[..., ApiModel]]:
    """What makes models of an API, which are closed at the end."""

    def make(url: str, tokenizer: Any, **access: Any) -> ApiModel:
        client = stack.enter_context(Client(Endpoint(base_url=url, model="far"), Access(**access)))
        return ApiModel(client, told_of(client), tokenizer)

    with ExitStack() as stack:
        yield make


@pytest.fixture
def remote(far: Callable[..., ApiModel], house: House, lm: LanguageModel) -> ApiModel:
    return far(f"{house.url}/v1", lm.tokenizer)


@pytest.mark.usefixtures("exact")
def test_likelihoods_are_those_of_the_checkpoint(remote: ApiModel, lm: LanguageModel) -> None:
    dice = random.Random(1)
    requests = [
        Request(tuple(dice.randrange(260) for _ in range(dice.randrange(1, 60))), tuple(dice.randrange(260) for _ in range(dice.randrange(1, 20))))
        for _ in range(40)
    ]
    for told, here in zip(log_likelihoods(remote, requests), log_likelihoods(lm, requests), strict=True):
        assert told == pytest.approx(here, abs=MOST_NATS)
    assert remote.client.spent() == {
        "num_prompt_tokens": sum(len(each.context) + len(each.continuation) for each in requests),
        "num_answer_tokens": 40,
    }


@pytest.mark.usefixtures("exact")
def test_a_context_without_room_loses_its_beginning_and_the_longest_text_finds_room(remote: ApiModel, lm: LanguageModel) -> None:
    window = remote.window
    assert window == POSITIONS - 2
    long = Request((5,) * 3 + (7, 8, 9) * 300, (10, 11))
    assert num_tokens_cut(remote, long) == len(long.context) + 1 - window
    (told,) = log_likelihoods(remote, [long])
    (here,) = log_likelihoods(lm, [long._replace(context=long.context[num_tokens_cut(remote, long) :])])
    assert told == pytest.approx(here, abs=MOST_NATS)
    with pytest.raises(ValueError, match=r"1 tokens before 767: give 1 or more before at most 766"):
        log_likelihoods(remote, [Request((1,), (2,) * 767)])


QUESTIONS = '{"question": "how to cross", "options": "A. by a bridge\\nB. by stone", "answer": "A. by a bridge"}\n'
PASSAGES = '{"passage": "A river runs.", "question": "does it run", "answer": "True"}\n'


@pytest.mark.usefixtures("exact")
def test_evals_by_likelihood_give_the_scores_of_the_checkpoint(remote: ApiModel, lm: LanguageModel, tmp_path: Path) -> None:
    (tmp_path / "piqa.jsonl").write_text(QUESTIONS + QUESTIONS.replace("cross", "sit").replace('"A. by a bridge"}', '"B. by stone"}'))
    (tmp_path / "boolq.jsonl").write_text(PASSAGES + PASSAGES.replace("True", "False"))
    pl.DataFrame({"id": ["a", "b"], "source": ["s", "s"], "text": ["A river runs.", "Stone on stone, é!"]}).write_parquet(tmp_path / "held.parquet")
    for task, file, config in (
        (piqa.SPEC, "piqa.jsonl", piqa.SPEC.config.model_validate({"num_items": 2, "seed": 1})),
        (boolq.SPEC, "boolq.jsonl", boolq.SPEC.config.model_validate({"num_items": 2, "seed": 1})),
        (perplexity.SPEC, "held.parquet", perplexity.PerplexityConfig(num_items=2, seed=1, max_bytes=100)),
    ):
        there, here = task.run(remote, tmp_path / file, config, unwatched), task.run(lm, tmp_path / file, config, unwatched)
        assert [score.metric for score in there.scores] == [score.metric for score in here.scores]
        for told, known in zip(there.scores, here.scores, strict=True):
            assert told[1:4] == pytest.approx(known[1:4], rel=1e-4), told.metric
        column = "nats" if "nats" in here.items.columns else "log_likelihoods"
        values = [
            pl.DataFrame({"nats": items[column].explode() if column != "nats" else items[column]})["nats"].to_list() for _, items, _ in (there, here)
        ]
        assert values[0] == pytest.approx(values[1], abs=MOST_NATS)


def test_samples_are_those_of_the_checkpoint(far: Callable[..., ApiModel], house: House, lm: LanguageModel) -> None:
    config = samples.SamplesConfig(prompts=("A river", "stone"), questions=("who?",), max_new_tokens=8, temperature=0, seed=1)
    here = samples.run(lm, None, config).items["answer"].to_list()
    assert samples.run(far(f"{house.url}/v1", None), None, config).items["answer"].to_list() == here and all(here)


def test_a_chat_streams_what_the_checkpoint_says(remote: ApiModel, lm: LanguageModel) -> None:
    drawn = {"max_new_tokens": 12, "temperature": 0.0, "seed": 1}
    turns = [Turn("user", "who?")]
    assert "".join(chat(remote, turns, **drawn)) == "".join(chat_here(lm, turns, **drawn))  # pyright: ignore[reportArgumentType]


def test_a_chat_that_breaks_off_says_why(far: Callable[..., ApiModel]) -> None:
    stream = 'data: {"choices": [{"delta": {"content": "so"}}]}\n\ndata: {"error": {"message": "out of memory"}}\n\n'
    with standing_in(chat_completions=[Reply(200, stream)]) as api:
        pieces = chat(far(api.url, None), [Turn("user", "who?")], max_new_tokens=4, temperature=0.0, seed=1)
        assert next(pieces) == "so"
        with pytest.raises(ConnectionError, match=r"its answer broke off .*out of memory"):
            next(pieces)


def test_what_takes_over_meanwhile_is_noticed(far: Callable[..., ApiModel], house: House, lm: LanguageModel) -> None:
    remote = far(f"{house.url}/v1", lm.tokenizer)._replace(told={"version": "older"})
    with pytest.raises(ValueError, match=r"the version c0ffee answers, and older was adopted; have the model's key version say 'c0ffee'"):
        log_likelihoods(remote, [Request((1,), (2,))])


def completion(**choice: Any) -> Reply:
    return Reply(200, {"choices": [{"text": "a", **choice}], "usage": {"prompt_tokens": 3}})


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (
            Reply(400, {"error": {"message": "echo is not supported"}}),
            r"cannot be scored: the endpoint tells no log-probabilities of prompts.*echo is",
        ),
        (Reply(404, "no such path"), "cannot be scored: the endpoint tells no log-probabilities of prompts.*404: no such path"),
        (completion(), r"cannot be scored: the endpoint tells no log-probabilities of prompts \(0 of 3 tokens"),
        (completion(logprobs=None), r"cannot be scored: .* \(0 of 3 tokens are told\)"),
        (completion(logprobs={"token_logprobs": [-1.0]}), r"cannot be scored: .* \(1 of 3 tokens are told\)"),
        (completion(logprobs={"token_logprobs": [None, -1.0, None, -1.0]}), r"cannot be scored: .* that are numbers"),
        (completion(logprobs={"token_logprobs": [None, -1.0, "-2", -1.0]}), r"cannot be scored: .* that are numbers"),
        (Reply(200, {"choices": []}), "its answer has no choices"),
        (
            Reply(200, {"choices": [{"logprobs": {"token_logprobs": [None, -1.0, -1.0, -1.0]}}], "usage": {"prompt_tokens": 4}}),
            "cannot be scored: it read 4 tokens where 3 were given",
        ),
    ],
)
def test_what_tells_no_likelihoods_gives_no_score(far: Callable[..., ApiModel], reply: Reply, told: str, lm: LanguageModel) -> None:
    with standing_in(completions=[reply]) as api, pytest.raises(ValueError, match=told):
        log_likelihoods(far(api.url, lm.tokenizer), [Request((1,), (2, 3))])


def test_without_a_tokenizer_an_eval_by_likelihood_has_no_score(far: Callable[..., ApiModel], tmp_path: Path) -> None:
    (tmp_path / "piqa.jsonl").write_text(QUESTIONS)
    with standing_in() as api, pytest.raises(ValueError, match=r"cannot be scored: .* without its tokenizer; name the tokenizer's folder"):
        piqa.SPEC.run(far(api.url, None), tmp_path / "piqa.jsonl", piqa.SPEC.config.model_validate({"num_items": 1, "seed": 1}), unwatched)


def test_an_answer_without_text_is_an_error(far: Callable[..., ApiModel]) -> None:
    with (
        standing_in(chat_completions=[Reply(200, {"choices": [{"message": {"content": None}}]})]) as api,
        pytest.raises(ValueError, match="its answer has no text"),
    ):
        samples.run(far(api.url, None), None, samples.SamplesConfig(questions=("who?",), max_new_tokens=8, temperature=0, seed=1))


def test_the_first_request_that_fails_ends_those_that_have_not_begun(
    far: Callable[..., ApiModel], monkeypatch: pytest.MonkeyPatch, lm: LanguageModel
) -> None:
    monkeypatch.setattr(asking, "sleep", lambda seconds: None)
    with standing_in(completions=[Reply(503, "down")]) as api:
        remote = far(api.url, lm.tokenizer, most_requests=1, most_tries=2)
        with pytest.raises(ConnectionError, match="503: down"):
            log_likelihoods(remote, [Request((1,), (2,))] * 50)
        assert len(api.asked) < 20
