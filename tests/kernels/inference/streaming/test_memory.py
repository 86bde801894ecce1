"""A model of three times the memory that it is given answers rightly within it, by the account of the kernel of the operating system."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlamaConfig

from kernels.inference.streaming.plan import planned
from kernels.inference.streaming.reader import sizes_of
from kernels.inference.streaming.weights import Weights
from kernels.models.formats.fast import fresh, write
from tests.kernels.inference.streaming.answering import MOST

NUM_BYTES, NUM_LAYERS = 200_000_000, 13


def shape(*, num_layers: int, width: int) -> Any:
    heads, inner = width // 64, width * 11 // 4
    sizes: dict[str, Any] = {"num_hidden_layers": num_layers, "hidden_size": width, "intermediate_size": inner, "num_attention_heads": heads}
    return LlamaConfig(**sizes, vocab_size=4096, num_key_value_heads=heads // 4, max_position_embeddings=512, tie_word_embeddings=True)


def run(*words: object) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.kernels.inference.streaming.answering", *map(str, words)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout.splitlines()[-1])


@pytest.mark.slow
def test_a_model_of_three_times_the_memory_answers_as_it_does_where_it_is_whole(tmp_path: Path) -> None:
    large, small = tmp_path / "large", tmp_path / "small"
    config = shape(num_layers=NUM_LAYERS, width=1024)
    write(fresh(config, 3), large)
    write(fresh(shape(num_layers=2, width=256), 3), small)
    size = (large / "model.safetensors").stat().st_size
    assert size >= 3 * NUM_BYTES
    whole, streamed = run(large, small), run(large, small, NUM_BYTES)
    assert streamed["tokens"] == whole["tokens"]
    plan = planned(sizes_of(Weights(config, large, torch.float32), MOST, 4), NUM_BYTES)
    print(
        f"{size / 1e6:.0f} MB of weights in {NUM_LAYERS} layers: whole {told(whole)}; within {NUM_BYTES / 1e6:.0f} MB, of which the plan takes "
        f"{plan.size_bytes / 1e6:.0f} MB and {len(plan.passing)} layers pass, {told(streamed)}; reading all weights takes "
        f"{read_seconds(large / 'model.safetensors') * 1e3:.0f} ms"
    )
    assert streamed["grown_bytes"] <= NUM_BYTES and whole["grown_bytes"] > size


def read_seconds(path: Path) -> float:
    """Return what reading all of a file takes, into one place that is larger than the caches of a processor."""
    room, began = bytearray(1 << 26), time.perf_counter()
    with path.open("rb", buffering=0) as stream:
        while stream.readinto(room):
            pass
    return time.perf_counter() - began


def told(found: dict[str, Any]) -> str:
    return f"it grows by {found['grown_bytes'] / 1e6:.0f} MB and a step takes {found['seconds_a_step'] * 1e3:.0f} ms"
