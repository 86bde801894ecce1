"""Conversations about images in LLaVA's form: what is one is read, what is none is a reject with its reason."""

import json
from pathlib import Path
from typing import Any

import pytest

from kernels.reading.images.conversations import PLACE, ImageConversation, parse, read_split
from kernels.specs.sources import Reject
from kernels.specs.turns import Turn


def record(**changes: Any) -> dict[str, Any]:
    turns = [{"from": "human", "value": "<image>\nWhat digit is this?"}, {"from": "gpt", "value": "7"}]
    return {"id": "x", "image": "a/b.png", "conversations": turns, **changes}


def turns(*said: str) -> list[dict[str, str]]:
    return [{"from": ("human", "gpt")[number % 2], "value": value} for number, value in enumerate(said)]


def test_a_conversation_is_turns_with_the_place_of_the_image() -> None:
    found = parse("k", record(conversations=turns("Look: <image>", "I do.", "And?", "A 7, not an <image>."), options=["A 7, not an <image>.", "8"]))
    expected = (Turn("user", f"Look: {PLACE}"), Turn("assistant", "I do."), Turn("user", "And?"), Turn("assistant", "A 7, not an <image>."))
    assert found == ImageConversation("k", "a/b.png", expected, ("A 7, not an <image>.", "8"))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"image": "../secret.png"}, "image_name"),
        ({"image": "/etc/passwd"}, "image_name"),
        ({"image": "C:\\a.png"}, "image_name"),
        ({"image": ""}, "image_name"),
        ({"image": None}, "image_name"),
        ({"conversations": turns("<image> What?")}, "turns"),
        ({"conversations": turns("<image> What?", " ")}, "turns"),
        ({"conversations": [{"from": "gpt", "value": "<image>"}, {"from": "human", "value": "7"}]}, "turns"),
        ({"conversations": ["<image>", "7"]}, "turns"),
        ({"conversations": []}, "turns"),
        ({"conversations": turns("What?", "7")}, "image_mark"),
        ({"conversations": turns("<image><image>", "7")}, "image_mark"),
        ({"conversations": turns(f"<image>{PLACE}", "7")}, "image_mark"),
        ({"options": ["8", "9"]}, "options"),
        ({"options": ["7"]}, "options"),
        ({"options": ["7", "7"]}, "options"),
        ({"options": "789"}, "options"),
    ],
    ids=str,
)
def test_what_is_no_conversation_about_an_image_is_a_reject(changes: dict[str, Any], reason: str) -> None:
    found = parse("k", record(**changes))
    assert isinstance(found, Reject) and found.reason == reason


def test_a_list_and_lines_are_read_alike(tmp_path: Path) -> None:
    (tmp_path / "train.json").write_text(json.dumps([record(), 3]))
    (tmp_path / "test.jsonl").write_text(json.dumps(record()) + "\n" + "3\n")
    for split, name in (("train", "train.json"), ("test", "test.jsonl")):
        found = list(read_split(tmp_path, split))
        assert found == [parse(f"{name}:1", record()), Reject(f"{name}:2", "not_an_object", "int")]


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "neither is there"),
        ({"train.json": "[]", "train.jsonl": ""}, "both are there"),
        ({"train.json": "{"}, "train.json: not JSON"),
        ({"train.json": "{}"}, "not a list"),
        ({"train.jsonl": "{}\n["}, "train.jsonl:2: not JSON"),
    ],
    ids=str,
)
def test_a_folder_that_cannot_be_read_says_what_is_wrong(tmp_path: Path, files: dict[str, str], told: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=told):
        list(read_split(tmp_path, "train"))
