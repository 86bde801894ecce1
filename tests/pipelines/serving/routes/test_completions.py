"""Texts that go on."""

import json
from typing import Any

import pytest

from kernels.models.formats.checkpoints import LanguageModel
from tests.pipelines.serving.house import House

PATH = "/v1/completions"
ASKED: dict[str, Any] = {"model": "tiny", "prompt": "Once", "max_tokens": 6, "seed": 5}


def streamed(house: House, asked: dict[str, Any]) -> list[dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for _, data in house.events(PATH, asked)[:-1]:
        for piece in json.loads(data)["choices"]:
            before = found.setdefault(piece["index"], {"index": piece["index"], "text": "", "logprobs": {}, "finish_reason": None})
            before["text"] += piece["text"]
            before["finish_reason"] = piece["finish_reason"]
            for name, values in (piece["logprobs"] or {}).items():
                before["logprobs"].setdefault(name, []).extend(values)
    return [{**each, "logprobs": each["logprobs"] or None} for _, each in sorted(found.items())]


@pytest.mark.parametrize(
    "changes",
    [{}, {"prompt": ["Once", "", "Twice"], "n": 2}, {"prompt": [[5, 6], [7]], "echo": True}, {"echo": True, "logprobs": 2}, {"stop": ["e", "a"]}],
    ids=["a text", "texts", "tokens", "echo", "stops"],
)
def test_a_stream_says_what_the_whole_says(house: House, changes: dict[str, Any]) -> None:
    told = house.post(PATH, {**ASKED, **changes})
    assert told.status_code == 200, told.text
    assert told.json()["choices"] == streamed(house, {**ASKED, **changes})


def test_each_prompt_of_several_is_drawn_for_by_itself(house: House) -> None:
    told = house.post(PATH, {**ASKED, "prompt": ["Once", "Once"], "n": 2, "max_tokens": 12}).json()
    assert [each["index"] for each in told["choices"]] == [0, 1, 2, 3] and len({each["text"] for each in told["choices"]}) == 4
    assert told["usage"] == {"prompt_tokens": 10, "completion_tokens": 48, "total_tokens": 58}


def test_log_probabilities_of_a_prompt_are_those_of_the_model(house: House, lm: LanguageModel) -> None:
    import torch

    tokens = [0, *range(60, 120), 7, 9] * 5  # longer than what passes together
    told = house.post(PATH, {**ASKED, "prompt": tokens, "max_tokens": 0, "echo": True, "logprobs": 1}).json()["choices"][0]
    with torch.inference_mode():
        logprobs = lm.model(torch.tensor([tokens])).logits[0].log_softmax(-1)
    expected = [float(logprobs[place, token]) for place, token in enumerate(tokens[1:])]
    found = told["logprobs"]["token_logprobs"]
    assert found[0] is None and found[1:] == pytest.approx(expected, abs=1e-3)
    assert [max(each.values()) for each in told["logprobs"]["top_logprobs"][1:]] == pytest.approx(logprobs[:-1].max(-1).values.tolist(), abs=1e-3)
    assert told["finish_reason"] == "length" and house.check_pages() == 0


def test_offsets_say_where_tokens_begin_in_the_text(house: House) -> None:
    told = house.post(PATH, {**ASKED, "echo": True, "logprobs": 0}).json()["choices"][0]
    assert told["logprobs"]["tokens"][:4] == list("Once") and told["logprobs"]["text_offset"][:5] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"prompt": [[]]}, "at least one"),
        ({"prompt": []}, "at least 1"),
        ({"prompt": [9999]}, "9999 is no token"),
        ({"prompt": ["a"] * 129}, "129 prompts"),
        ({"max_tokens": 0}, "asks for nothing"),
        ({"prompt": [[5]], "echo": True, "logprobs": 0}, "nothing stands before it"),
        ({"best_of": 3}, "best_of"),
        ({"suffix": "end"}, "suffix"),
        ({"logprobs": 6}, "logprobs"),
        ({"prompt": "a" * 2000}, "768 at most"),
        ({"max_tokens": 5000}, "max_tokens is 5000"),
        ({"model": "encoder"}, "encoder"),
    ],
)
def test_what_is_wrong_is_named(house: House, changes: dict[str, Any], words: str) -> None:
    response = house.post(PATH, {**ASKED, **changes})
    assert response.status_code == 400 and words in response.json()["error"]["message"]
