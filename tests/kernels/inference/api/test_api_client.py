"""Asking an API: again where that helps, never for ever, and with errors that name what to do and never the key."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from kernels.inference.api import client as asking
from kernels.inference.api.client import Client, RefusedByApiError
from kernels.inference.api.endpoint import Access, Endpoint
from tests.kernels.inference.api.stand_in import Reply, standing_in

KEY = "sk-never-told-4711"
FINE = Reply(200, {"choices": [{"text": "yes"}], "usage": {"prompt_tokens": 3_000, "completion_tokens": 500}})


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited, in place of waiting."""
    found: list[float] = []
    monkeypatch.setattr(asking, "sleep", found.append)
    monkeypatch.setenv("FAR_KEY", KEY)
    return found


@pytest.fixture
def client() -> Iterator[Callable[..., Client]]:
    """What makes clients of an API, which are closed at the end."""
    with ExitStack() as stack:
        yield lambda url, **access: stack.enter_context(Client(Endpoint(base_url=url, model="far"), Access(**{"api_key_env": "FAR_KEY", **access})))


def test_what_is_busy_is_asked_again_after_the_time_that_it_says(waits: list[float], client: Callable[..., Client]) -> None:
    dated = {"Date": "Sat, 28 Nov 2026 10:00:00 GMT", "Retry-After": "Sat, 28 Nov 2026 10:00:07 GMT"}
    replies = [
        Reply(429, "later", {"Retry-After": "3"}),
        Reply(503, "later", dated),
        Reply(500, "later"),
        Reply(429, "later", {"Retry-After": "9999"}),
    ]
    with standing_in(completions=[*replies, FINE]) as api:
        assert client(api.url).post("completions", {"prompt": "a"}) == FINE.body
    assert waits == [3.0, 7.0, 2.0, 60.0]
    assert api.asked == [("completions", {"model": "far", "prompt": "a"}, f"Bearer {KEY}")] * 5


def test_what_stays_busy_is_given_up_after_so_many_tries(waits: list[float], client: Callable[..., Client]) -> None:
    with (
        standing_in(completions=[Reply(429, {"error": {"message": f"too many by {KEY}"}})]) as api,
        pytest.raises(ConnectionError, match=r"far at http://\S+/v1: is not able to answer now \(429: too many by \*\*\*\); try again later"),
    ):
        client(api.url, most_tries=3).post("completions", {})
    assert waits == [0.5, 1.0] and len(api.asked) == 3


def test_an_api_that_is_down_is_named_after_the_last_try(waits: list[float], client: Callable[..., Client]) -> None:
    with standing_in() as api:
        url = api.url
    with pytest.raises(ConnectionError, match=r"far at http://\S+: nobody answers \(.*refused.*\); look whether it is up, at base_url"):
        client(url, most_tries=2).get("models")
    assert waits == [0.5]


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_refused_is_not_tried_again_and_not_told(status: int, waits: list[float], client: Callable[..., Client]) -> None:
    with standing_in(models=[Reply(status, {"error": {"message": f"Incorrect API key provided: {KEY}"}})]) as api:
        with pytest.raises(PermissionError, match=r"refuses access .*\*\*\*\); put a key that it takes into the variable FAR_KEY") as caught:
            client(api.url).get("models")
        assert KEY not in str(caught.value) and len(api.asked) == 1 and waits == []
        with pytest.raises(PermissionError, match="name the variable of its key as api_key_env"):
            client(api.url, api_key_env=None).get("models")


@pytest.mark.parametrize(
    ("held", "told"), [(None, "is not set; export it"), (" ", "is not set"), ("kéy", "holds is no key"), ("a\nb", "holds is no key")]
)
def test_a_variable_without_a_key_is_named_before_anything_is_asked(
    held: str | None, told: str, monkeypatch: pytest.MonkeyPatch, client: Callable[..., Client]
) -> None:
    if held is None:
        monkeypatch.delenv("FAR_KEY")
    else:
        monkeypatch.setenv("FAR_KEY", held)
    with pytest.raises(PermissionError, match=f"FAR_KEY.* {told}") as caught:
        client("http://127.0.0.1:1/v1")
    assert held is None or not held.strip() or held not in str(caught.value)


@pytest.mark.parametrize("body", ["<html>a page</html>", "", "[1]", '{"data": ['])
def test_what_is_no_json_object_is_an_error_that_shows_it(body: str, client: Callable[..., Client]) -> None:
    with standing_in(models=[Reply(200, body)]) as api, pytest.raises(ValueError, match=r"to models is no JSON object .*look whether base_url"):
        client(api.url).get("models")


def test_a_refused_request_says_its_status_and_what_was_wrong(client: Callable[..., Client]) -> None:
    with standing_in(completions=[Reply(400, {"error": {"message": "echo is not\nsupported"}})]) as api:
        with pytest.raises(RefusedByApiError, match=r"refuses /v1/completions \(400: echo is not supported\)") as caught:
            client(api.url).post("completions", {})
        assert caught.value.status == 400 and len(api.asked) == 1


def test_tokens_are_counted_and_priced_from_one_account_to_the_next(client: Callable[..., Client]) -> None:
    with standing_in(completions=[FINE]) as api:
        asked = client(api.url, price_per_million_prompt_tokens=2.0, price_per_million_answer_tokens=8.0)
        for _ in range(2):
            asked.post("completions", {})
        assert asked.spent() == {"num_prompt_tokens": 6_000.0, "num_answer_tokens": 1_000.0, "price": pytest.approx(0.02)}
        assert asked.spent()["num_prompt_tokens"] == 0


def test_events_come_one_by_one_up_to_the_end(client: Callable[..., Client]) -> None:
    stream = 'data: {"n": 1}\n\n: a remark\n\ndata: {"n": 2}\n\ndata: [DONE]\n\ndata: {"n": 3}\n\n'
    with standing_in(chat_completions=[Reply(200, stream)]) as api:
        assert list(client(api.url).events("chat/completions", {})) == [{"n": 1}, {"n": 2}]


def test_a_stream_that_is_refused_says_why(client: Callable[..., Client]) -> None:
    with standing_in(chat_completions=[Reply(401, "who are you")]) as api, pytest.raises(PermissionError, match="401: who are you"):
        list(client(api.url).events("chat/completions", {}))
