"""Asking an API over HTTP: again where it says so, and never for ever; errors name model, address and remedy, and never hold the key.

httpx2, which the hub's library brings, does it: a client of one vendor would check answers against that vendor's own forms, which servers of others
keep in part, and hides how often it tries. This and the hub's library are what of `kernels` uses a network and reads the environment.
"""

import json
import os
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from threading import Lock
from time import sleep
from typing import TYPE_CHECKING, Any, NoReturn, Self, cast

from kernels.inference.api.endpoint import Access, Endpoint

if TYPE_CHECKING:
    from httpx2 import Response

AGAIN = frozenset({408, 429, 500, 502, 503, 504, 529})
"""Statuses after which the same request may be answered; 529 is what Anthropic calls overloaded."""
FIRST_WAIT_SECONDS, MOST_WAIT_SECONDS = 0.5, 60.0
"""Between tries: twice as long each time, or as long as the API says, up to a bound."""
SHOWN_CHARS = 300
EVENT, DONE = "data:", "[DONE]"


class RefusedByApiError(ValueError):
    """An API does not do what it was asked for."""

    def __init__(self, status: int, message: str) -> None:
        """Say why, with the status of HTTP."""
        super().__init__(message)
        self.status = status


class Client:
    """Asks one model of an API; several threads may."""

    def __init__(self, endpoint: Endpoint, access: Access) -> None:
        """Read the key. Raises PermissionError: the environment has none, or what is no key."""
        from httpx2 import Client, Limits

        self.endpoint, self.access = endpoint, access
        self._key = _key_of(endpoint, access)
        headers = {} if self._key is None else {"Authorization": f"Bearer {self._key}"}
        limits = Limits(max_connections=access.most_requests)
        self._http = Client(base_url=endpoint.base_url, timeout=access.timeout_seconds, headers=headers, limits=limits)
        self._lock, self._num_prompt_tokens, self._num_answer_tokens = Lock(), 0, 0

    def __enter__(self) -> Self:
        """Return itself; its connections are closed at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close its connections."""
        self._http.close()

    def get(self, path: str) -> dict[str, Any]:
        """Return what stands at a path of the API; see `post`."""
        return self._object(self._answered("GET", path, None), path)

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to a request; the model's name is added to it.

        Raises:
            ConnectionError: nobody answers, or says after all tries to come again.
            PermissionError: the key is refused, or lacks.
            RefusedByApiError: the request is refused.
            ValueError: the answer is no JSON object.
        """
        found = self._object(self._answered("POST", path, {"model": self.endpoint.model, **body}), path)
        usage = found.get("usage")
        if isinstance(usage, dict):
            told = cast(dict[str, Any], usage)
            with self._lock:
                self._num_prompt_tokens += int(told.get("prompt_tokens") or 0)
                self._num_answer_tokens += int(told.get("completion_tokens") or 0)
        return found

    def events(self, path: str, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the events of an answer as they come; what has begun is not asked again. Raises: see `post`."""
        from httpx2 import RequestError

        told = {"model": self.endpoint.model, **body, "stream": True}
        try:
            with self._http.stream("POST", path, json=told) as response:
                if response.status_code != HTTPStatus.OK:
                    response.read()
                    self._refuse(response)
                for line in response.iter_lines():
                    data = line.removeprefix(EVENT).strip() if line.startswith(EVENT) else ""
                    if data == DONE:
                        return
                    if data:
                        yield self._parsed(data, path)
        except RequestError as error:
            raise self._unreachable(error) from error

    def spent(self) -> dict[str, float]:
        """Return how many tokens were read and written since this was last called, as the API counts them, and their price where prices are known."""
        with self._lock:
            given, made = self._num_prompt_tokens, self._num_answer_tokens
            self._num_prompt_tokens = self._num_answer_tokens = 0
        found = {"num_prompt_tokens": float(given), "num_answer_tokens": float(made)}
        prices = self.access.price_per_million_prompt_tokens, self.access.price_per_million_answer_tokens
        if prices[0] is not None and prices[1] is not None:
            found["price"] = (given * prices[0] + made * prices[1]) / 1e6
        return found

    def _answered(self, method: str, path: str, body: Mapping[str, Any] | None) -> "Response":
        from httpx2 import RequestError

        for number in range(self.access.most_tries):
            is_last, wait = number + 1 == self.access.most_tries, FIRST_WAIT_SECONDS * 2**number
            try:
                response = self._http.request(method, path, json=body)
            except RequestError as error:
                if is_last:
                    raise self._unreachable(error) from error
            else:
                if response.status_code == HTTPStatus.OK:
                    return response
                if response.status_code not in AGAIN or is_last:
                    self._refuse(response)
                wait = _told_to_wait(response) or wait
            sleep(min(wait, MOST_WAIT_SECONDS))
        raise AssertionError("the last try returns or raises")

    def _refuse(self, response: "Response") -> NoReturn:
        status, where = response.status_code, self.endpoint.words
        words = f"{status}: {self._words(response)}"
        if status in AGAIN:
            raise ConnectionError(f"{where}: is not able to answer now ({words}); try again later, or ask less at once (most_requests)")
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            variable = self.access.api_key_env
            remedy = "name the variable of its key as api_key_env" if variable is None else f"put a key that it takes into the variable {variable}"
            raise PermissionError(f"{where}: refuses access ({words}); {remedy}")
        raise RefusedByApiError(
            status, f"{where}: refuses {response.request.url.path} ({words}); look at base_url, at the model's name and at what is asked"
        )

    def _unreachable(self, error: Exception) -> ConnectionError:
        words = str(error) or type(error).__name__
        return ConnectionError(f"{self.endpoint.words}: nobody answers ({words}); look whether it is up, at base_url and at timeout_seconds")

    def _object(self, response: "Response", path: str) -> dict[str, Any]:
        return self._parsed(response.text, path)

    def _parsed(self, text: str, path: str) -> dict[str, Any]:
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            told = f"what it answers to {path} is no JSON object ({self.shown(text)!r})"
            raise ValueError(f"{self.endpoint.words}: {told}; look whether base_url is that of an API like OpenAI's, with /v1")
        return cast(dict[str, Any], found)

    def _words(self, response: "Response") -> str:
        """Return what an API says of an error, in OpenAI's form or as it stands."""
        try:
            message = response.json()["error"]["message"]
        except (ValueError, KeyError, TypeError):
            message = response.text
        return self.shown(str(message))

    def shown(self, text: str) -> str:
        """Return the beginning of a text in one line, without the key, which some APIs repeat."""
        line = " ".join(text.split())
        return (line if self._key is None else line.replace(self._key, "***"))[:SHOWN_CHARS]


def _key_of(endpoint: Endpoint, access: Access) -> str | None:
    if access.api_key_env is None:
        return None
    key = os.environ.get(access.api_key_env, "").strip()
    if not key:
        raise PermissionError(f"{endpoint.words}: the environment variable {access.api_key_env}, which is to hold its key, is not set; export it")
    if not key.isascii() or not key.isprintable() or " " in key:  # an error of HTTP's library would show it
        raise PermissionError(f"{endpoint.words}: what the environment variable {access.api_key_env} holds is no key; export it anew")
    return key


def _told_to_wait(response: "Response") -> float | None:
    """Return how many seconds an API says to wait, by a number or a date (RFC 9110, section 10.2.3); None where it says nothing that can be read."""
    told = response.headers.get("retry-after", "")
    try:
        return max(0.0, float(told))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(told) - parsedate_to_datetime(response.headers["date"])).total_seconds())
    except (ValueError, KeyError, TypeError):
        return None
