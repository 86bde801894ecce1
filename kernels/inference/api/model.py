"""A model of an API as evals and chats ask it: likelihoods of texts where the API tells them, continuations, and answers.

Likelihoods are what ``/completions`` tells of a prompt that it echoes (``echo`` with ``logprobs``, as lm-evaluation-harness asks
APIs of completions). Prompts are token ids, since texts would be cut at other places; so they need the tokenizer.
"""

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar, cast

from kernels.inference.api.client import Client, RefusedByApiError
from kernels.inference.api.endpoint import TOKENIZER, TOLD, read
from kernels.specs.names import nearest
from kernels.specs.turns import Turn
from kernels.tokens.mixtures.permutation import key_of

_Asked = TypeVar("_Asked")
_Found = TypeVar("_Found")
COMPLETIONS, CHATS, MODELS = "completions", "chat/completions", "models"
NO_LIKELIHOODS = "cannot be scored: the endpoint tells no log-probabilities of prompts"
NUM_ADDED = 1
"""Tokens that are asked for behind a prompt that is echoed: some servers take 0 for as many as there is room for."""
SEEDS = 1 << 31
"""Below it are the seeds that all servers take."""


class ApiModel(NamedTuple):
    """A model that an API has."""

    client: Client
    told: dict[str, Any]
    """What the API said of it when it was adopted."""
    known_tokenizer: Any | None
    """Of Transformers, where the recipe gives one."""

    @property
    def attention(self) -> Literal["causal"]:
        """What is asked as models of APIs are continues texts."""
        return "causal"

    @property
    def tokenizer(self) -> Any:
        """The tokenizer, which everything that is asked by likelihood needs. Raises ValueError: the recipe gives none."""
        if self.known_tokenizer is None:
            raise ValueError(f"{self.client.endpoint.words}: {NO_LIKELIHOODS} without its tokenizer; name the tokenizer's folder as the model's data")
        return self.known_tokenizer

    @property
    def window(self) -> int | None:
        """How many tokens it reads before the last one of a text, with room for one behind that; None where it does not tell."""
        limit = self.told.get("max_model_len")
        return None if limit is None else int(limit) - NUM_ADDED - 1


@contextmanager
def open_api_model(folder: Path) -> Generator[ApiModel]:
    """Have the model of an artifact (endpoint.py) ready to be asked.

    Raises:
        ConnectionError, PermissionError: see `Client`.
        ValueError: the API serves something else by now.
    """
    from transformers import AutoTokenizer

    adopted = read(folder)
    with Client(adopted.endpoint, adopted.access) as client:
        told = told_of(client)
        if told != adopted.told:
            raise ValueError(
                f"{adopted.endpoint.words}: serves {told} and was adopted when it was {adopted.told}; have the model's key version say "
                f"{told.get('version', 'another word')!r} and run mill up, so that its scores are of what is served"
            )
        place = folder / TOKENIZER
        tokenizer = cast(Any, AutoTokenizer).from_pretrained(place, local_files_only=True) if place.is_dir() else None
        yield ApiModel(client, told, tokenizer)


def told_of(client: Client) -> dict[str, Any]:
    """Return what an API says of the model that lasts.

    Raises:
        ValueError: it does not list the model, or calls it an encoder.
    """
    where = client.endpoint.words
    listed = client.get(MODELS).get("data")
    entries = [cast(dict[str, Any], each) for each in cast(list[Any], listed) if isinstance(each, dict)] if isinstance(listed, list) else []
    found = {str(entry.get("id")): entry for entry in entries}
    entry = found.get(client.endpoint.model)
    if entry is None:
        raise ValueError(f"{where}: the API has no such model; {nearest(client.endpoint.model, found)}")
    if entry.get("is_encoder"):
        raise ValueError(f"{where}: is an encoder and continues no text; name another model")
    return {name: entry[name] for name in TOLD if entry.get(name) is not None}


def log_likelihoods(model: ApiModel, asked: Sequence[tuple[Sequence[int], int]]) -> list[float]:
    """Return of texts, given as token ids, the summed log-probability (nats) of so many of their last tokens.

    Raises:
        ConnectionError, PermissionError: see `Client.post`.
        ValueError: the API tells no log-probabilities of prompts, or of other tokens than it was given, or another version answers.
    """
    return _together(model, lambda each: _log_likelihood(model, *each), asked)


def _log_likelihood(model: ApiModel, tokens: Sequence[int], count: int) -> float:
    where = model.client.endpoint.words
    body = {"prompt": [list(tokens)], "max_tokens": NUM_ADDED, "echo": True, "logprobs": 1, "temperature": 0}
    try:
        found = model.client.post(COMPLETIONS, body)
    except RefusedByApiError as error:
        raise ValueError(f"{NO_LIKELIHOODS}, or not of this one: {error}") from error
    _require_version(model, found)
    choice = _choice(model, found)
    logprobs = cast(dict[str, Any], choice.get("logprobs") or {}).get("token_logprobs")
    values = cast(list[Any], logprobs) if isinstance(logprobs, list) else []
    if len(values) not in (len(tokens), len(tokens) + NUM_ADDED):
        raise ValueError(
            f"{where}: {NO_LIKELIHOODS} ({len(values)} of {len(tokens)} tokens are told); ask another API, or ask this one for answers alone"
        )
    read = cast(dict[str, Any], found.get("usage") or {}).get("prompt_tokens") or len(tokens)
    if read != len(tokens):
        raise ValueError(f"{where}: cannot be scored: it read {read} tokens where {len(tokens)} were given; have it add none to prompts of tokens")
    asked = values[len(tokens) - count : len(tokens)]
    if not all(isinstance(value, int | float) and math.isfinite(value) for value in asked):
        raise ValueError(f"{where}: {NO_LIKELIHOODS} that are numbers (of the last {count} tokens: {asked[:5]})")
    return math.fsum(asked)


def answers(
    model: ApiModel, texts: Sequence[str], conversations: Sequence[Sequence[Turn]], *, max_new_tokens: int, temperature: float, seed: int
) -> list[str]:
    """Return a continuation of each text, then an answer to each conversation.

    Raises:
        ConnectionError, PermissionError: see `Client.post`.
        ValueError: the API continues no texts or answers no conversations, an answer has no text, or another version answers.
    """
    drawn = {"max_tokens": max_new_tokens, "temperature": temperature}
    asked: list[tuple[str, dict[str, Any]]] = [(COMPLETIONS, {"prompt": text}) for text in texts]
    asked += [(CHATS, {"messages": [_message(turn) for turn in turns]}) for turns in conversations]
    told = [(path, {**body, **drawn, "seed": key_of("prompt", seed, place) % SEEDS}) for place, (path, body) in enumerate(asked)]
    return _together(model, lambda each: _answer(model, *each), told)


def written(
    model: ApiModel, prompts: Sequence[Sequence[int]], max_new_tokens: int, temperature: float, seed: int, stops: Sequence[str], num_answers: int
) -> list[list[str]]:
    """Return so many answers behind each prompt, given as token ids, each up to the first of the strings that end it.

    Raises:
        ConnectionError, PermissionError: see `Client.post`.
        ValueError: the API continues no texts, an answer has no text, or another version answers.
    """
    told: list[tuple[str, dict[str, Any]]] = []
    for place, prompt in enumerate(prompts):
        for number in range(num_answers):
            body: dict[str, Any] = {"prompt": [list(prompt)], "max_tokens": max_new_tokens, "temperature": temperature}
            told.append((COMPLETIONS, {**body, "seed": key_of("prompt", seed, place, number) % SEEDS}))
    texts = iter(_together(model, lambda each: _answer(model, *each), told))
    return [[_ended(next(texts), stops) for _ in range(num_answers)] for _ in prompts]


def _ended(text: str, stops: Sequence[str]) -> str:
    """Return a text up to the first string that ends it: APIs take a few of them only."""
    return text[: min((place for stop in stops if (place := text.find(stop)) >= 0), default=len(text))]


def _answer(model: ApiModel, path: str, body: dict[str, Any]) -> str:
    found = model.client.post(path, body)
    _require_version(model, found)
    choice = _choice(model, found)
    text = choice.get("text") if path == COMPLETIONS else cast(dict[str, Any], choice.get("message") or {}).get("content")
    if not isinstance(text, str):
        raise ValueError(f"{model.client.endpoint.words}: its answer has no text; ask a model that writes some, or allow more max_new_tokens")
    return text


def chat(model: ApiModel, turns: Sequence[Turn], *, max_new_tokens: int, temperature: float, seed: int) -> Iterator[str]:
    """Yield the answer to the last turn piece by piece, as it comes."""
    body = {"messages": [_message(turn) for turn in turns], "max_tokens": max_new_tokens, "temperature": temperature}
    for event in model.client.events(CHATS, {**body, "seed": key_of("prompt", seed, 0) % SEEDS}):
        if "error" in event:
            raise ConnectionError(f"{model.client.endpoint.words}: its answer broke off ({model.client.shown(str(event['error']))}); ask again")
        if event.get("choices"):
            yield cast(dict[str, Any], _choice(model, event).get("delta") or {}).get("content") or ""


def _message(turn: Turn) -> dict[str, str]:
    return {"role": turn.role, "content": turn.content}


def _choice(model: ApiModel, found: dict[str, Any]) -> dict[str, Any]:
    choices = found.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise ValueError(f"{model.client.endpoint.words}: its answer has no choices; look whether base_url is that of an API like OpenAI's")
    return cast(dict[str, Any], choices[0])


def _require_version(model: ApiModel, found: dict[str, Any]) -> None:
    """Raise ValueError where an API that tells the version of its model answers by another, as when a newer one took over meanwhile."""
    version = model.told.get("version")
    answering = found.get("system_fingerprint")
    if version is not None and answering is not None and answering != version:
        told = f"the version {answering} answers, and {version} was adopted"
        raise ValueError(f"{model.client.endpoint.words}: {told}; have the model's key version say {answering!r} and run mill up")


def _together(model: ApiModel, ask: Callable[[_Asked], _Found], asked: Sequence[_Asked]) -> list[_Found]:
    """Return what is found of each, in order, some asked at once; the first that fails ends all that has not begun."""
    pool = ThreadPoolExecutor(model.client.access.most_requests, "api")
    try:
        return list(pool.map(ask, asked))
    finally:
        pool.shutdown(cancel_futures=True)
