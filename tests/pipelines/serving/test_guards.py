"""Who is let in."""

import time
from collections.abc import Iterator

import pytest

from kernels.models.formats.checkpoints import LanguageModel
from pipelines.serving.wire.keys import Keys, find_keys
from tests.pipelines.serving.house import House, Shelved, opened

FIRST, SECOND = "first-key-of-many-characters", "second-key-of-many-characters"
ASKED = {"model": "tiny", "prompt": "a", "max_tokens": 1}


@pytest.fixture(scope="module")
def locked(lm: LanguageModel) -> Iterator[House]:
    with opened([Shelved("tiny", lm)], keys=Keys([FIRST, SECOND]), is_loopback=False) as found:
        yield found


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": f"Bearer {FIRST}"}, 200),
        ({"authorization": f"bearer {SECOND}"}, 200),
        ({"x-api-key": SECOND}, 200),
        ({}, 401),
        ({"Authorization": f"Bearer {FIRST}x"}, 401),
        ({"Authorization": f"Basic {FIRST}"}, 401),
        ({"Authorization": "Bearer"}, 401),
        ({"x-api-key": ""}, 401),
        ({"x-api-key": "\u00ff" * 40}, 401),
    ],
)
def test_only_who_has_a_key_may_ask(locked: House, headers: dict[str, str], status: int) -> None:
    encoded = {name: value.encode("latin-1") for name, value in headers.items()}
    assert locked.post("/v1/completions", ASKED, headers=encoded).status_code == status
    assert locked.get("/v1/models", headers=encoded).status_code == status and locked.get("/metrics", headers=encoded).status_code == status


def test_the_page_and_health_are_open_and_tell_no_key(locked: House) -> None:
    for path in ("/", "/health", "/pages/chat.js"):
        response = locked.get(path)
        assert response.status_code == 200 and FIRST not in response.text


def test_keys_are_compared_by_digests_and_none_lets_all_in(tmp_path: object) -> None:
    keys = Keys([FIRST])
    assert keys.owner(FIRST) == "key 1" and keys.owner(None) is None and FIRST not in repr(vars(keys)) and not Keys([])


def test_keys_are_read_from_a_file_and_the_environment(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("keys") / "keys"
    file.write_text(f"{FIRST}\n\n {SECOND} \n")
    found = find_keys(file, {"MILL_API_KEY": "third-key-of-many-characters"})
    assert [found.owner(key) for key in (FIRST, SECOND, "third-key-of-many-characters")] == ["key 1", "key 2", "key 3"]
    assert not find_keys(None, {})
    with pytest.raises(ValueError, match="fewer than 16"):
        find_keys(None, {"MILL_API_KEY": "short"})
    file.write_text("\n")
    with pytest.raises(ValueError, match="has no key"):
        find_keys(file, {})


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:99", 200),
        ("127.0.0.1:1", 200),
        ("[::1]:8000", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("", 421),
        ("[", 421),
    ],
)
def test_a_name_that_others_point_here_is_not_answered(house: House, host: str, status: int) -> None:
    assert house.get("/v1/models", headers={"Host": host}).status_code == status


def test_pages_of_other_sites_are_not_answered_and_given_no_leave(house: House) -> None:
    other = {"Origin": "http://evil.example"}
    refused = house.post("/v1/completions", ASKED, headers=other)
    assert refused.status_code == 403 and not [name for name in refused.headers if name.startswith("access-control")]
    assert house.post("/v1/completions", ASKED, headers={"Origin": "null"}).status_code == 403
    assert house.post("/v1/completions", ASKED, headers={"Origin": house.url}).status_code == 200
    with house.client() as client:
        assert client.options("/v1/completions", headers={**other, "Access-Control-Request-Method": "POST"}).status_code == 403
        assert client.post("/v1/completions", content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415


def test_clients_with_keys_take_turns_by_key(locked: House) -> None:
    long = {"model": "tiny", "prompt": "a", "max_tokens": 700, "n": 16, "stop": "never said", "temperature": 0}
    with locked.client() as client, client.stream("POST", "/v1/completions", json={**long, "stream": True}, headers={"x-api-key": FIRST}) as response:
        next(response.iter_lines())
        served = locked.serving.shelf.get("tiny")
        deadline = time.monotonic() + 10
        while not served.worker._of_clients and time.monotonic() < deadline:
            time.sleep(0.01)
        assert dict(served.worker._of_clients) == {"key 1": 1}
