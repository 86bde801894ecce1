"""A folder of a few pictures of one colour each, with the question which it is: what the smallest model that looks can learn."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = {"red": (220, 40, 40), "green": (40, 180, 60), "blue": (40, 60, 220), "white": (240, 240, 240)}
SIZE = 8


def put_images(folder: Path, counts: dict[str, int]) -> Path:
    """Write splits of so many pictures; each picture is another by its noise."""
    chance = np.random.default_rng(5)
    for split, count in counts.items():
        records = []
        for number in range(count):
            answer = list(COLOURS)[number % len(COLOURS)]
            noisy = np.clip(np.array(COLOURS[answer]) + chance.integers(-30, 30, (SIZE, SIZE, 3)), 0, 255).astype(np.uint8)
            name = f"{split}/{number}.png"
            (folder / split).mkdir(parents=True, exist_ok=True)
            Image.fromarray(noisy).save(folder / name)
            records.append(record(name, answer))
        write(folder, split, records)
    return folder


def record(image: str, answer: str, question: str = "<image>\nWhich colour?") -> dict[str, object]:
    turns = [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]
    return {"image": image, "conversations": turns, "options": list(COLOURS)}


def write(folder: Path, split: str, records: list[dict[str, object]]) -> None:
    (folder / f"{split}.json").write_text(json.dumps(records))


def read(folder: Path, split: str) -> list[dict[str, object]]:
    return json.loads((folder / f"{split}.json").read_text())
