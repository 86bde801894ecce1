"""Adopting a model of an API: what is written of it, what is refused, and that no key is written anywhere."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from kernels.inference.api.model import open_api_model
from kernels.inference.asked_models import opened as open_model
from kernels.methods.adoption import api as adoption
from kernels.models.formats.checkpoints import LanguageModel
from kernels.tokens import tokenizer_files
from kernels.tokens.tokenizers import byte_bpe
from pipelines.serving.wire.keys import Keys
from tests.kernels.inference.api.stand_in import Reply, StandIn, standing_in
from tests.method_jobs import method_job
from tests.pipelines.serving.house import House, Shelved, opened, tiny, tiny_encoder

KEY = "sk-never-written-4711"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tiny")


@pytest.fixture(scope="module")
def lm(folder: Path) -> LanguageModel:
    return tiny(folder)


@pytest.fixture(scope="module")
def house(lm: LanguageModel, folder: Path) -> Iterator[House]:
    models = [Shelved("far", lm), Shelved("encoder", tiny_encoder(folder / "encoder"))]
    with opened(models, keys=Keys([KEY])) as found:
        yield found


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAR_KEY", KEY)


def adopt(out: Path, url: str, tokenizer: Path | None = None, **changes: Any) -> dict[str, float]:
    out.mkdir(exist_ok=True)
    config = adoption.ApiConfig(**{"base_url": url, "model": "far", "api_key_env": "FAR_KEY", "most_tries": 1, **changes})
    return adoption.run(method_job(config, {} if tokenizer is None else {adoption.PACKAGE: tokenizer}, out))


def test_a_model_is_written_down_without_weights_and_without_the_key(house: House, lm: LanguageModel, folder: Path, tmp_path: Path) -> None:
    url = f"{house.url}/v1"
    assert adopt(tmp_path, url, folder / "model", version="c0ffee") == {"asked_for_likelihoods": 1.0, "max_model_len": 768.0}
    written = {path.relative_to(tmp_path).as_posix(): path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    assert {"api.json", "access.json", "tokenizer/tokenizer.json"} <= written.keys() and not any("safetensors" in name for name in written)
    assert '"version": "c0ffee"' in written["api.json"] and "FAR_KEY" not in written["api.json"] and "FAR_KEY" in written["access.json"]
    assert not any(KEY in text for text in written.values())
    with open_model(tmp_path, "cpu") as model:
        assert model.tokenizer.get_vocab() == lm.tokenizer.get_vocab()


def test_what_the_model_is_does_not_hang_on_how_it_is_asked(house: House, tmp_path: Path) -> None:
    adopt(tmp_path / "a", f"{house.url}/v1")
    adopt(tmp_path / "b", f"{house.url}/v1", timeout_seconds=7, most_requests=2, price_per_million_prompt_tokens=1.0)
    files = [{name: (tmp_path / side / name).read_text() for name in ("api.json", "access.json")} for side in ("a", "b")]
    assert files[0]["api.json"] == files[1]["api.json"] and files[0]["access.json"] != files[1]["access.json"]
    assert adoption.SPEC.unhashed == ("access.json",)


@pytest.mark.parametrize(
    ("changes", "error", "told"),
    [
        ({"model": "fat"}, ValueError, r"fat at http://\S+/v1: the API has no such model; did you mean 'far'\?"),
        ({"model": "encoder"}, ValueError, "is an encoder and continues no text"),
        ({"version": "decade"}, ValueError, "serves the version 'c0ffee' and not 'decade'; change the model's key version"),
        ({"api_key_env": None}, PermissionError, "refuses access .* name the variable of its key as api_key_env"),
        ({"api_key_env": "HOME"}, PermissionError, "refuses access .* into the variable HOME"),
    ],
)
def test_what_an_api_does_not_have_or_give_is_told(changes: dict[str, Any], error: type[Exception], told: str, house: House, tmp_path: Path) -> None:
    with pytest.raises(error, match=told) as caught:
        adopt(tmp_path, f"{house.url}/v1", **changes)
    assert KEY not in str(caught.value) and list(tmp_path.iterdir()) == []


def test_a_base_url_without_the_version_of_the_api_is_no_api(house: House, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"refuses /models \(404: .*look at base_url"):
        adopt(tmp_path, house.url)


def test_another_tokenizer_is_found_out(house: House, tmp_path: Path) -> None:
    merged = byte_bpe.train(iter(["the river rises, say notes, or more perhaps " * 20]), byte_bpe.ByteBpeConfig(vocab_size=280))
    tokenizer_files.write_tokenizer(merged, tmp_path / "other")
    with pytest.raises(ValueError, match=r"is no token of far|reads the tokens of 'The river .* so that its tokenizer is not that of data"):
        adopt(tmp_path / "out", f"{house.url}/v1", tmp_path / "other")


def test_a_folder_without_a_tokenizer_is_named(house: House, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"empty: has no tokenizer\.json; name the folder"):
        adopt(tmp_path / "out", f"{house.url}/v1", tmp_path / "empty")


def answering(text: str) -> Reply:
    return Reply(200, {"choices": [{"message": {"content": text}}], "system_fingerprint": "fp_1"})


def test_an_api_that_tells_no_likelihoods_is_adopted_for_what_it_writes_alone(folder: Path, tmp_path: Path) -> None:
    with standing_in(completions=[Reply(404, "no such path")], chat_completions=[answering("Hi")]) as api:
        with pytest.raises(ValueError, match=r"cannot be scored: the endpoint tells no log-probabilities of prompts.*; leave data out"):
            adopt(tmp_path / "scored", api.url, folder / "model")
        assert adopt(tmp_path / "out", api.url) == {"asked_for_likelihoods": 0.0}
    assert '"system_fingerprint": "fp_1"' in (tmp_path / "out" / "api.json").read_text()


def test_another_word_for_what_tells_no_version_is_another_content(tmp_path: Path) -> None:
    with standing_in(models=[Reply(200, {"data": [{"id": "far"}]})], chat_completions=[answering("Hi")]) as api:
        for word in ("may", "june"):
            adopt(tmp_path / word, api.url, version=word)
    assert [f'"version": "{word}"' in (tmp_path / word / "api.json").read_text() for word in ("may", "june")] == [True, True]


def test_what_lists_no_models_is_no_api(tmp_path: Path) -> None:
    with standing_in(models=[Reply(200, {"data": "far"})]) as api, pytest.raises(ValueError, match="the API has no such model; valid: none"):
        adopt(tmp_path, api.url)


def serving(api: StandIn, version: str) -> None:
    api.replies["models"] = [Reply(200, {"data": [{"id": "far", "created": 7, "version": version}]})]


def test_a_model_that_is_another_by_now_is_not_asked(tmp_path: Path) -> None:
    with standing_in(chat_completions=[answering("Hi")]) as api:
        adopt(tmp_path, api.url)
        with open_api_model(tmp_path):
            pass
        serving(api, "v2")
        with (
            pytest.raises(ValueError, match=r"serves .*v2.* was adopted when it was .*v1.*; have the model's key version say 'v2'"),
            open_api_model(tmp_path),
        ):
            pass


@pytest.mark.parametrize(
    "url", ["far.example/v1", "http://me:secret@far.example/v1", "https://far.example/v1?key=secret", "ftp://far.example", "http://a b"]
)
def test_an_address_that_is_none_or_holds_a_secret_is_an_error_of_the_config(url: str) -> None:
    with pytest.raises(ValidationError):
        adoption.ApiConfig(base_url=url, model="far")


def test_a_key_in_place_of_its_variables_name_is_an_error_of_the_config() -> None:
    with pytest.raises(ValidationError):
        adoption.ApiConfig(base_url="http://far.example/v1", model="far", api_key_env="sk-4711")
