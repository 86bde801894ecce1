"""Texts as vectors."""

import base64
import struct

import pytest

from kernels.models.formats.checkpoints import LanguageModel
from tests.pipelines.serving.house import House

PATH = "/v1/embeddings"


def test_vectors_are_means_of_last_hidden_states_whatever_is_asked_beside(house: House, encoder: LanguageModel) -> None:
    import torch

    told = house.post(PATH, {"model": "encoder", "input": ["a longer text", "b", "<|im_end|>"]}).json()
    ids = house.post("/tokenize", {"model": "encoder", "prompt": "b"}).json()["tokens"]
    with torch.inference_mode():
        expected = encoder.model.base_model(torch.tensor([ids])).last_hidden_state[0].mean(0).tolist()
    assert told["data"][1]["embedding"] == pytest.approx(expected, abs=1e-5) and [each["index"] for each in told["data"]] == [0, 1, 2]


def test_the_same_vector_comes_as_numbers_and_as_bytes(house: House) -> None:
    asked = {"model": "encoder", "input": "abc"}
    numbers = house.post(PATH, asked).json()["data"][0]["embedding"]
    data = base64.b64decode(house.post(PATH, {**asked, "encoding_format": "base64"}).json()["data"][0]["embedding"])
    assert list(struct.unpack(f"<{len(numbers)}f", data)) == pytest.approx(numbers, abs=1e-6)


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"model": "tiny"}, "continues texts"), ({"input": "a" * 100}, "from 1 to 64"), ({"dimensions": 4}, "dimensions"), ({"input": []}, "input")],
)
def test_what_is_wrong_is_named(house: House, changes: dict[str, object], words: str) -> None:
    response = house.post(PATH, {"model": "encoder", "input": "a", **changes})
    assert response.status_code == 400 and words in response.json()["error"]["message"]
